from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from nephele.fields import grid
from nephele.params import SyntheticParams
from nephele.world import archive, climatology
from nephele.world.simulation import simulate

PARAMS = SyntheticParams(seed=5, storms=3, frames=3)
VARIABLES = {"sst": None, "msl": None, "z": 850, "r": 200}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("archive")
    assert archive.write(path, PARAMS, VARIABLES) == ["S0001", "S0002", "S0003"]
    return path


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_the_files_do_not_depend_on_when_and_by_how_many_they_are_written(folder, tmp_path):
    archive.write(tmp_path, PARAMS, VARIABLES, workers=2)
    assert contents(tmp_path) == contents(folder)


def test_a_storm_has_frames_and_the_two_files_of_the_climate_data_store(folder):
    names = {name for name in contents(folder) if "S0002" in name}
    assert names == {
        "frames/S0002.nc",
        "era5/S0002_single_levels.nc",
        "era5/S0002_pressure_levels.nc",
    }


def test_everything_says_that_it_is_synthetic(folder):
    for name in contents(folder):
        with xr.open_dataset(folder / name) as opened:
            assert opened.attrs["synthetic"] == 1
            assert opened.attrs["title"].startswith("SYNTHETIC")


def test_packed_frames_are_the_simulated_ones_to_a_tenth_of_a_kelvin(folder):
    with xr.open_dataset(folder / "frames/S0001.nc", mask_and_scale=False) as raw:
        assert raw["irwin"].dtype == np.int16
    with xr.open_dataset(folder / "frames/S0001.nc") as frames:
        kelvin = simulate(PARAMS.seed, 1, PARAMS.frames)["brightness_temperature"].values
        # Half of a step of 0.2 K, and the rounding of float32 scales.
        np.testing.assert_allclose(frames["irwin"].values, kelvin, atol=0.1001)
        assert frames["crs"].attrs["grid_mapping_name"] == "lambert_azimuthal_equal_area"


def test_fields_have_the_layout_of_the_climate_data_store(folder):
    with xr.open_dataset(folder / "era5/S0001_pressure_levels.nc") as fields:
        assert fields["z"].dims == ("valid_time", "pressure_level", "latitude", "longitude")
        assert fields["pressure_level"].values.tolist() == [850.0, 200.0]
        assert (np.diff(fields["latitude"].values) < 0).all()
        assert (np.diff(fields["longitude"].values) > 0).all()
        assert fields["z"].attrs["units"] == "m**2 s**-2"
        assert fields["z"].dtype == np.float32
        assert {"number", "expver"} <= set(fields.coords)
        assert np.isfinite(fields["z"].values).all()


def test_sea_surface_temperature_is_missing_on_land_and_only_there(folder):
    with xr.open_dataset(folder / "era5/S0001_single_levels.nc") as fields:
        from_map = climatology.is_land(
            fields["latitude"].values[:, None], fields["longitude"].values[None, :]
        )
        assert from_map.any()
        for field in fields["sst"].values:
            np.testing.assert_array_equal(np.isnan(field), from_map)


def test_the_fields_hold_every_corner_of_every_frame(folder):
    for number in range(1, PARAMS.storms + 1):
        with (
            xr.open_dataset(folder / f"frames/S{number:04d}.nc") as frames,
            xr.open_dataset(folder / f"era5/S{number:04d}_single_levels.nc") as fields,
        ):
            latitude, longitude = grid.positions(
                frames["x"].values,
                frames["y"].values,
                frames["centre_latitude"].values,
                frames["centre_longitude"].values,
            )
            assert fields["latitude"].min() < latitude.min()
            assert fields["latitude"].max() > latitude.max()
            assert fields["longitude"].min() < longitude.min()
            assert fields["longitude"].max() > longitude.max()


def test_the_storm_is_a_low_in_pressure_and_geopotential(folder):
    with (
        xr.open_dataset(folder / "frames/S0001.nc") as frames,
        xr.open_dataset(folder / "era5/S0001_single_levels.nc") as surface,
        xr.open_dataset(folder / "era5/S0001_pressure_levels.nc") as aloft,
    ):
        centre = {
            "latitude": float(frames["centre_latitude"][0]),
            "longitude": float(frames["centre_longitude"][0]),
        }
        for field in (surface["msl"][0], aloft["z"].sel(pressure_level=850)[0]):
            assert field.sel(centre, method="nearest") < field.mean() - 200


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"t": 850}, "no variable 't'; it has sst, msl, z, r"),
        ({"sst": 850}, "sst: level is 850, expected no level"),
        ({"z": None}, "z: level is None, expected a pressure level"),
    ],
)
def test_a_variable_that_the_world_lacks_is_refused(tmp_path, variables, message):
    with pytest.raises(ValueError, match=message):
        archive.write(tmp_path, PARAMS, variables)
