"""The windows on disk: one Zarr group of few, large files, the same bytes every time."""

import warnings
from pathlib import Path

import numpy as np
import xarray as xr
from zarr.codecs import BloscCodec

from nephele.fields.variables import FRAMES

CHUNK_BYTES = 128 * 2**20  # DVC hashes files, and every reader takes the windows whole


def write(windows: xr.Dataset, path: Path) -> None:
    """Write `windows` at `path`, which must not exist."""
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
    # Fixed-length strings have no specification in Zarr 3; strings of any length have one.
    texts = {
        name: windows[name].astype(object)
        for name in windows.coords
        if windows[name].dtype.kind == "U"
    }
    with warnings.catch_warnings():
        # Consolidated metadata are not in the Zarr 3 specification yet; readers look for them.
        warnings.filterwarnings("ignore", message="Consolidated metadata")
        windows.assign_coords(texts).to_zarr(
            path, mode="w-", zarr_format=3, consolidated=True, encoding=encoding
        )
