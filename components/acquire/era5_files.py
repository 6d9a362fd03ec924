"""ERA5 on disk: era5/<storm>/*.nc, a folder that is complete or absent.

Parts gather in a hidden folder beside it, so that an interrupted download goes on where it stopped.
`request.json` says what was asked for: a storm whose request has changed is fetched again.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import xarray as xr
from tqdm import tqdm

from components.acquire import parallel
from components.acquire.needs import Need
from components.outputs import whole, write_json
from nephele.downloads import arco, cds
from nephele.downloads.params import DownloadParams
from nephele.downloads.parts import GRID, Part, daily, monthly

RECORD = "request.json"
JOINED = "era5.nc"
FLOAT = 4  # bytes

Variables = Mapping[str, int | None]


class FromCds:
    """Files as the Climate Data Store delivers them: one a level and month, or less."""

    def __init__(self, params: DownloadParams, variables: Variables) -> None:
        self.parallel = params.cds.parallel
        self._variables, self._store = variables, cds.Store(params.cds, params.retries)

    def parts(self, need: Need) -> list[Part]:
        """What is fetched for a storm."""
        return monthly(self._variables, need.fields, need.area)

    def fetch(self, part: Part, folder: Path) -> None:
        """Fetch a part that is not there."""
        for _ in cds.pieces(self._store, part, folder):
            pass

    def complete(self, folder: Path) -> None:
        """The parts are what the readers take."""


class FromArco:
    """One file a storm, put together from its days."""

    def __init__(self, params: DownloadParams, variables: Variables) -> None:
        self.parallel = params.arco.parallel
        self._names, self._levels = arco.wanted(variables)
        self._store, self._retries = arco.connect(params.arco.store, params.retries), params.retries

    def parts(self, need: Need) -> list[Part]:
        """What is fetched for a storm."""
        return daily(self._names, self._levels, need.fields, need.area)

    def fetch(self, part: Part, folder: Path) -> None:
        """Fetch a part that is not there."""
        if (folder / part.name).exists() or (folder / JOINED).exists():
            return
        with whole(folder / part.name) as partial:
            arco.fetch(self._store, part, partial, self._retries)

    def complete(self, folder: Path) -> None:
        """Put the days together."""
        days = sorted(path for path in folder.glob("*.nc") if path.name != JOINED)
        if not (folder / JOINED).exists():
            with whole(folder / JOINED) as partial, _opened(days) as fields:
                fields.to_netcdf(partial, engine="netcdf4")
        for day in days:
            day.unlink()


SOURCES: dict[str, type[FromCds] | type[FromArco]] = {"cds": FromCds, "arco": FromArco}


def lacking(
    needs: Sequence[Need], params: DownloadParams, variables: Variables, folder: Path
) -> list[Need]:
    """Those of `needs` whose fields are not in `folder`, or were asked for otherwise."""
    return [
        need
        for need in needs
        if _recorded(folder / need.storm) != _request(need, params, variables)
    ]


def fetch(
    needs: Sequence[Need], params: DownloadParams, variables: Variables, folder: Path
) -> None:
    """The fields of each of `needs`, in place of what `folder` has of these storms.

    Raises:
        ValueError: the source refuses, lacks something, or was out of reach for too long.
    """
    source = SOURCES[str(params.era5)](params, variables)
    parts = {need: source.parts(need) for need in needs}
    with tqdm(desc="ERA5", total=sum(map(len, parts.values())), unit="part") as bar:
        for need in needs:
            request = _request(need, params, variables)
            gathering = _gathering(folder / f".{need.storm}.parts", request)
            parallel.each(
                lambda part, into=gathering: source.fetch(part, into),  # type: ignore[misc]
                parts[need],
                source.parallel,
                bar,
            )
            source.complete(gathering)
            if (folder / need.storm).exists():
                shutil.rmtree(folder / need.storm)
            gathering.rename(folder / need.storm)


def size(needs: Sequence[Need], variables: Variables) -> int:
    """Bytes of the fields of `needs`, four a value; compressed they have about half."""
    values = 0
    for need in needs:
        rows = (need.area.north - need.area.south) / GRID + 1
        columns = (need.area.east - need.area.west) / GRID + 1
        values += int(rows * columns) * len(need.fields) * len(variables)
    return values * FLOAT


def _request(need: Need, params: DownloadParams, variables: Variables) -> dict[str, object]:
    """What is asked for, as JSON gives it back."""
    area = need.area
    return {
        "source": params.era5,
        "variables": dict(variables),
        "times": [time.isoformat() for time in need.fields],
        "area": [area.north, area.west, area.south, area.east],
    }


def _recorded(folder: Path) -> object:
    record = folder / RECORD
    return json.loads(record.read_text()) if record.exists() else None


def _gathering(folder: Path, request: dict[str, object]) -> Path:
    """A folder for the parts of a request; those of another one are no use."""
    if folder.exists() and _recorded(folder) != request:
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / RECORD, request)
    return folder


def _opened(days: Sequence[Path]) -> xr.Dataset:
    return xr.open_mfdataset(
        days, engine="netcdf4", combine="nested", concat_dim="valid_time", data_vars="minimal",
        coords="minimal", compat="override", join="exact", decode_timedelta=False,
    )  # fmt: skip
