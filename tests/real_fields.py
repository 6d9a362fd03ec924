"""Fields of the real data, as they are regridded; tests are skipped where there are none."""

import archive_files
import h5py
import numpy as np
import xarray as xr

from nephele.fields import grid


def sea_surface_temperature(file):
    """The first field of a real file, K, NaN over land."""
    with xr.open_dataset(archive_files.real("era5", file)) as opened:
        field = opened["sea_surface_temperature" if "arco" in file else "sst"]
        field = field.isel(time=0, drop=True) if "time" in field.dims else field
        return (
            field.rename("sst")
            .astype(float)
            .transpose("latitude", "longitude")
            .reset_coords(drop=True)
            .load()
        )


def frame():
    """A real frame, laid around a centre near the date line."""
    path = archive_files.real("digital_typhoon", "image", "200717", "2007100300-200717-MTS1-1.h5")
    with h5py.File(path) as file:
        values = file["infrared"][::8, ::8][::-1]
    points = grid.centres(64, 40e3)
    latitude, longitude = grid.positions(points, points, np.array([16.0]), np.array([179.0]))
    axes = {"latitude": (("y", "x"), latitude[0]), "longitude": (("y", "x"), longitude[0])}
    return xr.DataArray(values.astype(float), axes, ("y", "x"))
