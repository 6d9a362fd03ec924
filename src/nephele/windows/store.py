"""The windows on disk: one Zarr group of few, large files, the same bytes every time."""

from pathlib import Path

import numpy as np
import xarray as xr
from zarr.codecs import BloscCodec

from nephele.fields.variables import FRAMES

CHUNK_BYTES = 128 * 2**20  # DVC hashes files, and every reader takes the windows whole


def write(windows: xr.Dataset, path: Path) -> None:
    """Write `windows` at `path`, which must not exist. Fractions are kept as whole per cent."""
    encoding: dict[str, dict] = {}
    for name in (FRAMES, "era5", "era5_valid"):
        shape = windows[name].shape
        frames = max(1, CHUNK_BYTES // (4 * int(np.prod(shape[1:]))))
        encoding[name] = {
            "chunks": (min(frames, shape[0]), *shape[1:]),
            "compressors": BloscCodec(cname="zstd", clevel=3, shuffle="shuffle"),
        }
    for name in ("time", "init_time"):
        encoding[name] = {"units": "hours since 1970-01-01", "dtype": "int64"}
    fraction = windows.era5_valid
    percent = np.rint(fraction.values * 100).astype(np.uint8)
    packed = windows.assign(
        era5_valid=(fraction.dims, percent, {**fraction.attrs, "scale_factor": 0.01})
    )
    # Fixed-length strings have no specification in Zarr 3; strings of any length have one.
    texts = {
        name: packed[name].astype(object) for name in packed.coords if packed[name].dtype.kind == "U"
    }
    packed.assign_coords(texts).to_zarr(
        path, mode="w-", zarr_format=3, consolidated=False, encoding=encoding
    )
