import zipfile
from contextlib import contextmanager
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from downloads import fields
from downloads.stand_ins import (
    IMPATIENT,
    RETRIES,
    TOKEN,
    Cds,
    Fault,
    climate_data_store,
    serving,
)

from nephele.archives import era5 as reader
from nephele.archives.coordinates import Box
from nephele.archives.selecting import Request
from nephele.downloads import cds
from nephele.downloads.cds import Store, pieces, request
from nephele.downloads.params import CdsParams
from nephele.downloads.parts import Area, Part
from nephele.downloads.patience import PassingError

CHUNK = 2**20  # bytes, that the client writes at a time
AREA = Area(22.0, 117.0, 18.0, 123.0)
TIMES = tuple(pd.date_range("2013-11-05 18:00", "2013-11-07 06:00", freq="6h"))
SURFACE = Part(("sst", "msl"), (), TIMES, AREA)
UPPER = Part(("z",), (850,), TIMES, AREA)


@contextmanager
def a_store(monkeypatch, retries=RETRIES, token=TOKEN, **state):
    """A Climate Data Store on loopback, and what speaks to it."""
    monkeypatch.setenv("CDSAPI_KEY", token)
    state = Cds(fields.delivered, **state)
    with serving(climate_data_store(state)) as server:
        yield state, server, Store(CdsParams(f"{server.url}/api", 1), retries)


def check(part, path):
    """The file holds what the formula gives, as the archives' reader sees it."""
    level = part.levels[0] if part.levels else None
    box = Box(AREA.south, AREA.north, AREA.west, AREA.east)
    wanted = Request(dict.fromkeys(part.variables, level), box, TIMES[0], TIMES[-1])
    found = reader.read([path], wanted)
    grid = np.meshgrid(found.latitude, found.longitude, indexing="ij")
    for name in part.variables:
        for time in part.times:
            expected = fields.value(name, time, level, *grid)
            np.testing.assert_allclose(found[name].sel(time=time), expected, rtol=1e-6)


def test_a_request_has_the_store_s_words():
    assert request(UPPER) == {
        "product_type": ["reanalysis"],
        "variable": ["geopotential"],
        "pressure_level": ["850"],
        "year": ["2013"],
        "month": ["11"],
        "day": ["05", "06", "07"],
        "time": ["00:00", "06:00", "12:00", "18:00"],
        "area": [22.0, 117.0, 18.0, 123.0],
        "data_format": "netcdf",
        "download_format": "unarchived",
    }
    assert "pressure_level" not in request(SURFACE)


@pytest.mark.parametrize("part", [SURFACE, UPPER], ids=["surface", "upper air"])
def test_what_comes_is_what_the_readers_read(monkeypatch, tmp_path, part):
    with a_store(monkeypatch, polls=2) as (_, _, store):  # a queue
        store.fetch(part, tmp_path / "got.nc")
    check(part, tmp_path / "got.nc")


@pytest.mark.parametrize(
    "faults",
    [
        [Fault("/files/", "half"), Fault("/files/", "half")],
        [Fault("/files/", "silence")],
        [Fault("/files/", 503)],
        [Fault("/jobs/", 502, times=3)],
        [Fault("/jobs/", "silence")],
        [Fault("/execution", 429, times=2, method="POST")],
        [Fault("/execution", "silence", method="POST")],
    ],
    ids=["half", "silent file", "busy file", "bad gateway", "silent job", "too many", "silent"],
)
def test_whatever_fails_the_request_is_made_once_and_the_file_is_whole(
    monkeypatch, tmp_path, faults
):
    unanswered = sum(fault.times for fault in faults if fault.method == "POST")
    with a_store(monkeypatch) as (state, server, store):
        server.fail(*faults)
        store.fetch(UPPER, tmp_path / "got.nc")
        assert len(state.taken) == 1 + unanswered
    check(UPPER, tmp_path / "got.nc")


def test_of_a_file_that_broke_off_only_the_rest_is_asked_for(monkeypatch, tmp_path):
    large = Part(("z",), (850,), TIMES, Area(60.0, 100.0, 0.0, 220.0))
    with a_store(monkeypatch) as (state, server, store):
        server.fail(Fault("/files/", "half"))
        store.fetch(large, tmp_path / "got.nc")
        half = len(next(iter(state.jobs.values()))["file"]) // 2
    assert server.gets("/files/") == [None, f"bytes={half // CHUNK * CHUNK}-"]
    assert half > CHUNK


@pytest.mark.parametrize("forgotten", [False, True])
def test_whoever_leaves_the_queue_has_the_same_place_after(monkeypatch, tmp_path, forgotten):
    def leave(_):
        raise KeyboardInterrupt

    with a_store(monkeypatch, polls=1) as (state, _, store):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr("ecmwf.datastores.processing.time.sleep", leave)
            list(pieces(store, UPPER, tmp_path))
        if forgotten:
            state.jobs.clear()
        list(pieces(store, UPPER, tmp_path))
        assert len(state.taken) == 1 + forgotten
    assert [path.name for path in tmp_path.iterdir()] == [UPPER.name]
    check(UPPER, tmp_path / UPPER.name)


@pytest.mark.parametrize("trouble", ["checksum", "garbled"])
def test_a_file_with_the_wrong_checksum_is_fetched_again(monkeypatch, tmp_path, trouble):
    wrong = ["0" * 32] if trouble == "checksum" else []
    with a_store(monkeypatch, checksums=wrong) as (_, server, store):
        if trouble == "garbled":
            server.fail(Fault("/files/", "garbled"))
        store.fetch(UPPER, tmp_path / "got.nc")
        assert len(server.gets("/files/")) == 2
    check(UPPER, tmp_path / "got.nc")


@pytest.mark.parametrize("largest", [20, 4, 3, 1])
def test_what_is_too_large_comes_in_pieces(monkeypatch, tmp_path, largest):
    with a_store(monkeypatch, largest=largest) as (state, _, store):
        found = list(pieces(store, UPPER, tmp_path))
    assert tuple(time for piece in found for time in piece.times) == TIMES
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(piece.name for piece in found)
    assert all(len(taken["day"]) * len(taken["time"]) <= largest for _, taken in state.taken)
    box = Box(AREA.south, AREA.north, AREA.west, AREA.east)
    wanted = Request({"z": 850}, box, TIMES[0], TIMES[-1])
    joined = reader.read(sorted(tmp_path.iterdir()), wanted)
    assert joined.indexes["time"].equals(pd.DatetimeIndex(TIMES))


def test_pieces_that_are_there_are_not_asked_for_again(monkeypatch, tmp_path):
    with a_store(monkeypatch, largest=4) as (state, _, store):
        list(pieces(store, UPPER, tmp_path))
        before = len(state.taken)
        next(tmp_path.iterdir()).unlink()
        list(pieces(store, UPPER, tmp_path))
        assert len(state.taken) == before + 1


def test_one_time_that_is_too_large_is_said(monkeypatch, tmp_path):
    with (
        a_store(monkeypatch, largest=0) as (_, _, store),
        pytest.raises(ValueError, match=r"not even one time .*too large.*download.era5: arco"),
    ):
        list(pieces(store, UPPER, tmp_path))
    assert not list(tmp_path.iterdir())


def test_a_full_queue_is_waited_for(monkeypatch, tmp_path):
    words = "Number queued requests for this dataset is temporarily limited."
    with a_store(monkeypatch, rejections=[words, words]) as (state, _, store):
        store.fetch(UPPER, tmp_path / "got.nc")
        assert len(state.jobs) == 3


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"rejections": ["Maximum number of daily requests reached"]}, "Maximum number .* again"),
        ({"refusals": [(403, "required licences not accepted")]}, "licence .*pressure-levels.tab"),
        ({"refusals": [(400, "invalid request")]}, "400 .*invalid request"),
        ({"token": "another"}, "does not know the key .*copy the token from https://cds"),
    ],
    ids=["daily quota", "licence", "invalid", "key"],
)
def test_what_waiting_does_not_mend_is_said_at_once(monkeypatch, tmp_path, state, said):
    with a_store(monkeypatch, **state) as (_, server, store):
        with pytest.raises(ValueError, match=said):
            store.fetch(UPPER, tmp_path / "got.nc")
        assert len([path for method, path, _ in server.asked if method == "POST"]) == 1


def test_without_a_key_nothing_is_asked(monkeypatch, tmp_path):
    monkeypatch.delenv("CDSAPI_KEY", raising=False)
    monkeypatch.setenv("CDSAPI_RC", str(tmp_path / "none"))
    with pytest.raises(ValueError, match=r"no key .*~/.cdsapirc .*cds.climate.copernicus.eu"):
        Store(CdsParams("http://127.0.0.1:9/api", 1), RETRIES)
    monkeypatch.setenv("CDSAPI_KEY", "123:of-2023")
    with pytest.raises(ValueError, match="before 2024"):
        Store(CdsParams("http://127.0.0.1:9/api", 1), RETRIES)


def test_a_store_that_stays_silent_is_given_up(monkeypatch, tmp_path):
    monkeypatch.setattr(cds, "TRIES", 2)
    with a_store(monkeypatch, retries=IMPATIENT) as (_, server, store):
        server.fail(Fault("/processes/", "silence", times=99))
        with pytest.raises(ValueError, match=r"given up after 0.8 s, at last because: the conn"):
            store.fetch(UPPER, tmp_path / "got.nc")


def test_a_zip_is_no_netcdf(tmp_path):
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("data_0.nc", b"")
    (tmp_path / "got.nc").write_bytes(buffer.getvalue())
    with pytest.raises(PassingError, match=r"begins with b'PK"):
        cds.check(UPPER, tmp_path / "got.nc")


@pytest.mark.parametrize(
    ("less", "said"),
    [
        ({"valid_time": slice(0, 5)}, "1 of 7 times did not come, the first 2013-11-07 06:00"),
        ({"latitude": slice(1, None)}, "latitude: 18 to 21.75 came, expected 18 to 22"),
        ({"longitude": slice(0, -1)}, "longitude: 117 to 122.75 came, expected 117 to 123"),
    ],
    ids=["times", "latitude", "longitude"],
)
def test_less_than_was_asked_for_is_said(tmp_path, less, said):
    whole = tmp_path / "whole.nc"
    one_day = Part(("z",), (850,), TIMES, AREA)
    asked = request(one_day)
    whole.write_bytes(fields.delivered("reanalysis-era5-pressure-levels", asked))
    with xr.open_dataset(whole) as found:
        wanted = pd.DatetimeIndex(found.valid_time).isin(TIMES)
        exact = found.drop_encoding().isel(valid_time=wanted)
        cut = {key: slice(0, -1) if key == "valid_time" else value for key, value in less.items()}
        exact.isel(cut).to_netcdf(tmp_path / "less.nc")
    with pytest.raises(ValueError, match=said):
        cds.check(one_day, tmp_path / "less.nc")
    cds.check(one_day, whole)


def test_another_variable_than_was_asked_for_is_said(tmp_path):
    path = tmp_path / "got.nc"
    path.write_bytes(fields.delivered("reanalysis-era5-pressure-levels", request(UPPER)))
    with pytest.raises(ValueError, match=r"r did not come, only \['z'\]"):
        cds.check(Part(("z", "r"), (850,), TIMES, AREA), path)
