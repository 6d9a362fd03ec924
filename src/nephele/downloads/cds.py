"""ERA5 from the Copernicus Climate Data Store, through ECMWF's own client.

A request waits in the store's queue, is worked on, and leaves a file to fetch. The client asks
again when the connection breaks and takes up half a file where it ended; here is decided what its
answers mean. The key is the user's: ~/.cdsapirc, or CDSAPI_KEY.
"""

from collections.abc import Iterator
from pathlib import Path

import cdsapi
import numpy as np
import pandas as pd
import requests  # type: ignore[import-untyped]
import xarray as xr
from cdsapi.api import get_url_key_verify
from ecmwf.datastores.processing import DownloadError, ProcessingFailedError, Remote

from nephele.downloads import netcdf
from nephele.downloads.gridsat import MD5_LENGTH, md5
from nephele.downloads.params import CdsParams, RetryParams
from nephele.downloads.parts import NAMES, Part, halves
from nephele.downloads.patience import PASSING_STATUS, PassingError, patiently

KEY_PAGE = "https://cds.climate.copernicus.eu/profile"
TICKET = ".job"
TRIES = 10  # of one call within a request, which must not go to the end of the queue again
# What the store says (in errors' text: it has no codes) when …
TOO_LARGE = ("too large", "cost limits exceeded")
BUSY = ("temporarily limited", "queued requests", "rate limit")
NO_LICENCE = ("licence",)


class TooLargeError(Exception):
    """The store takes no request of this size."""


class Store:
    """The Climate Data Store. Threads may share it."""

    def __init__(self, params: CdsParams, retries: RetryParams) -> None:
        """Without a word to the store.

        Raises:
            ValueError: there is no key.
        """
        self._url, self._retries = params.url, retries
        try:
            self._key = get_url_key_verify(params.url, None, None)[1]
        except Exception:  # the client has no other class for it
            raise ValueError(
                "no key of the Climate Data Store, expected one in ~/.cdsapirc (key: …) or in "
                f"CDSAPI_KEY; make an account and copy the token from {KEY_PAGE}"
            ) from None
        if ":" in self._key:
            raise ValueError(
                "the key of the Climate Data Store is one of before 2024 (user:key), expected a "
                f"personal access token; copy it from {KEY_PAGE}"
            )

    def fetch(self, part: Part, target: Path) -> None:
        """`part` as the NetCDF file `target`.

        While it waits in the queue, a ticket beside `target` has its number: whoever comes again
        after an interruption has not lost the place.

        Raises:
            TooLargeError: the store wants smaller parts.
            ValueError: it refuses, or was out of reach for too long.
        """
        what = f"ERA5 from the CDS, {part.name}"
        patiently(lambda: self._attempt(part, target), what, self._retries)

    def _attempt(self, part: Part, target: Path) -> None:
        ticket = target.with_suffix(TICKET)
        known = ticket.exists()
        dataset = f"reanalysis-era5-{'pressure' if part.levels else 'single'}-levels"
        try:
            result = self._job(dataset, part, ticket).get_results()
            result.download(str(target))
        except (requests.HTTPError, ProcessingFailedError) as error:
            status = error.response.status_code if isinstance(error, requests.HTTPError) else None
            if status in PASSING_STATUS:
                raise PassingError(f"the store answers {status}") from None
            ticket.unlink(missing_ok=True)
            if known:
                raise PassingError("the store has lost what was asked for before") from None
            raise judged(status, str(error), dataset) from None
        except DownloadError as error:
            ticket.unlink()
            raise PassingError(f"the download broke ({_line(str(error))})") from None
        except (requests.RequestException, AssertionError) as error:
            raise PassingError(f"the connection broke ({_line(str(error))})") from None
        checksum = result.asset.get("file:checksum", "")
        if len(checksum) == MD5_LENGTH and md5(target) != checksum:
            raise PassingError(f"its MD5 is not {checksum}, which the store announces")
        ticket.unlink()
        check(part, target)

    def _job(self, dataset: str, part: Part, ticket: Path) -> Remote:
        """What the ticket has the number of; without one, a new request."""
        client = cdsapi.Client(
            url=self._url,
            key=self._key,
            quiet=True,
            progress=False,
            timeout=self._retries.timeout,
            retry_max=TRIES,
            sleep_max=self._retries.longest,
            wait_until_complete=False,
            session=requests.Session(),  # the client's own is one for all threads
        )
        if ticket.exists():
            return client.client.get_remote(ticket.read_text())
        job = client.retrieve(dataset, request(part))
        ticket.write_text(job.request_id)
        return job


def request(part: Part) -> dict[str, object]:
    """`part` in the store's words. Days and hours multiply: it may bring some times more."""
    times = pd.DatetimeIndex(part.times)
    levels = {"pressure_level": [str(level) for level in part.levels]} if part.levels else {}
    return {
        "product_type": ["reanalysis"],
        "variable": [NAMES[name] for name in part.variables],
        **levels,
        "year": _unique(times, "%Y"),
        "month": _unique(times, "%m"),
        "day": _unique(times, "%d"),
        "time": _unique(times, "%H:00"),
        "area": [part.area.north, part.area.west, part.area.south, part.area.east],
        "data_format": "netcdf",
        "download_format": "unarchived",
    }


def pieces(store: Store, part: Part, folder: Path) -> Iterator[Part]:
    """`part`, or what it has to be cut into, each once it lies in `folder` as a whole.

    Raises:
        ValueError: as `Store.fetch`; or one time alone is too large.
    """
    target = folder / part.name
    if not target.exists():
        partial = folder / f".{part.name}.partial"
        try:
            store.fetch(part, partial)
        except TooLargeError as error:
            cut = halves(part)
            if cut is None:
                raise ValueError(
                    f"{part.name}: the Climate Data Store takes not even one time ({error}); "
                    "take fewer acquire.variables, or download.era5: arco"
                ) from None
            for piece in cut:
                yield from pieces(store, piece, folder)
            return
        partial.rename(target)
    yield part


def judged(status: int | None, message: str, dataset: str) -> Exception:
    """What the store's refusal means."""
    text, said = message.lower(), _line(message)
    if any(words in text for words in TOO_LARGE):
        return TooLargeError(said)
    if any(words in text for words in BUSY):
        return PassingError(f"the store is busy ({said})")
    if status == 401:
        return ValueError(
            f"the Climate Data Store does not know the key ({said}); copy the token from "
            f"{KEY_PAGE} to ~/.cdsapirc"
        )
    if any(words in text for words in NO_LICENCE):
        return ValueError(
            f"the Climate Data Store wants its licence accepted ({said}); do so, once, at the end "
            f"of https://cds.climate.copernicus.eu/datasets/{dataset}?tab=download"
        )
    return ValueError(
        f"the Climate Data Store refuses {dataset}: {said}; what has come stays, run the command "
        "again when that is mended"
    )


def check(part: Part, path: Path) -> None:
    """Refuse a file that does not hold `part`.

    Raises:
        PassingError: it is no NetCDF file.
        ValueError: a variable, a time or some of the area is missing.
    """
    try:
        with (
            netcdf.LOCK,
            xr.open_dataset(path, engine="netcdf4", decode_timedelta=False) as fields,
        ):
            names = [str(name) for name in fields.data_vars]
            axis = "valid_time" if "valid_time" in fields else "time"
            times = pd.DatetimeIndex(fields[axis].values.ravel())
            latitude, longitude = fields["latitude"].values, fields["longitude"].values
    except (OSError, ValueError, KeyError):
        with path.open("rb") as file:
            first = file.read(4)
        raise PassingError(f"no NetCDF file came, but one that begins with {first!r}") from None
    if lacking := [name for name in part.variables if name not in names]:
        raise ValueError(f"{path.name}: {', '.join(lacking)} did not come, only {names}")
    if late := [time for time in part.times if time not in times]:
        raise ValueError(
            f"{path.name}: {len(late)} of {len(part.times)} times did not come, the first "
            f"{late[0]:%Y-%m-%d %H:%M}; ERA5 ends about five days before today"
        )
    for name, low, high, values in (
        ("latitude", part.area.south, part.area.north, latitude),
        ("longitude", part.area.west, part.area.east, np.mod(longitude, 360.0)),
    ):
        if values.min() > low or values.max() < high:
            raise ValueError(
                f"{path.name}: {name}: {values.min():g} to {values.max():g} came, expected "
                f"{low:g} to {high:g}; ask the Climate Data Store's support"
            )


def _unique(times: pd.DatetimeIndex, form: str) -> list[str]:
    return sorted(set(times.strftime(form)))


def _line(message: str) -> str:
    """A message of several lines in one."""
    return " ".join(message.split())[:300]
