"""Where ERA5 lies: the files and stores behind a path, a glob or a URL."""

import glob
from collections.abc import Sequence
from pathlib import Path

import aiohttp
import fsspec

from nephele.archives.opening import UNREADABLE

SUFFIXES = (".nc", ".nc4", ".netcdf", ".grib", ".grb", ".grib2", ".grb2", ".zip")
STORE = ("zarr.json", ".zmetadata", ".zgroup")  # of Zarr 3 and 2, in its root
REMOTE = (OSError, aiohttp.ClientError)  # what a server that does not answer ends in


def found(where: str | Sequence[Path]) -> list[str]:
    """The NetCDF, GRIB and zip files and Zarr stores at `where`, as paths and URLs.

    Args:
        where: files; or one path, glob or URL. A folder stands for what lies in it.

    Raises:
        ValueError: there is nothing, or a server does not answer.
    """
    if not isinstance(where, str):
        places = [str(path) for path in where]
    elif is_remote(where):
        places = _remote(where)
    else:
        places = [place for path in _local(where) for place in _expanded(path)]
    if not places:
        raise ValueError(
            f"{where or 'ERA5'}: found no NetCDF, GRIB or zip file and no Zarr store of ERA5, "
            "expected at least one; correct the path, or download it as docs/data.md says"
        )
    return places


def is_remote(place: str) -> bool:
    """Whether `place` is a URL."""
    return "://" in place


def is_store(place: str) -> bool:
    """Whether a Zarr store is at a path or URL."""
    if not is_remote(place):
        return any((Path(place) / name).is_file() for name in STORE)
    system, path = filesystem(place)
    return any(system.exists(f"{path.rstrip('/')}/{name}") for name in STORE)


def filesystem(url: str) -> tuple[fsspec.AbstractFileSystem, str]:
    """The file system of a URL, and the path in it.

    Raises:
        ValueError: no installed library speaks the protocol.
    """
    try:
        return fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise ValueError(
            f"{url}: the protocol is not understood ({error}), expected https://, gs:// or "
            "another that fsspec knows; correct the URL, or install the library it names"
        ) from None


def _local(where: str) -> list[Path]:
    path = Path(where).expanduser()
    return [path] if path.exists() else sorted(map(Path, glob.glob(str(path), recursive=True)))


def _expanded(path: Path) -> list[str]:
    if not path.is_dir() or is_store(str(path)):
        return [str(path)]
    return [
        str(inner)
        for inner in sorted(path.iterdir())
        if (inner.suffix.lower() in SUFFIXES if inner.is_file() else is_store(str(inner)))
    ]


def _remote(url: str) -> list[str]:
    if not glob.has_magic(url.replace("?", "")):  # which begins the query of a URL
        return [url]
    system, path = filesystem(url)
    try:
        return sorted(system.unstrip_protocol(match) for match in system.glob(path))
    except REMOTE as error:
        raise unreadable(url, "files or Zarr stores", error) from None


def unreadable(place: str, kind: str, error: Exception) -> ValueError:
    """What is said of a file or store that is damaged, or of a server that does not answer."""
    cause = (str(error).splitlines() or [""])[0].rstrip(".")[:160] or type(error).__name__
    if not is_remote(place):
        return ValueError(UNREADABLE.format(path=place, kind=kind, cause=cause))
    return ValueError(
        f"{place}: expected {kind}, found none that can be read ({cause}); check the URL, the "
        "network and your credentials, and try again"
    )
