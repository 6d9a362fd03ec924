import shutil

import numpy as np
import pandas as pd
import pytest
from downloads import fields
from downloads.stand_ins import RETRIES, Fault, folder_of, serving

from nephele.archives import era5 as reader
from nephele.archives.coordinates import Box
from nephele.archives.selecting import Request
from nephele.downloads import arco
from nephele.downloads.parts import NAMES, Area, Part

LATITUDE, LONGITUDE = np.arange(25.0, 14.9, -0.25), np.arange(112.0, 130.1, 0.25)
VALID = pd.date_range("2013-11-05", periods=10, freq="h")
AREA = Area(22.0, 117.0, 18.0, 123.0)
TIMES = tuple(VALID[::3])
PART = Part(("sst", "msl", "z", "t", "q"), (200, 850), TIMES, AREA)


@pytest.fixture(scope="module")
def era5(tmp_path_factory):
    path = tmp_path_factory.mktemp("arco") / "ar.zarr-v3"
    return fields.store(path, VALID, LATITUDE, LONGITUDE)


@pytest.fixture
def server(era5):
    with serving(folder_of(era5.parent)) as server:
        yield server


def connect(server):
    return arco.connect(f"{server.url}/ar.zarr-v3", RETRIES)


def check(part, path):
    """The file holds what the formula gives, as the archives' reader sees it."""
    levels = {"sst": None, "msl": None, "z": 850, "t": 200, "q": 200}
    variables = {name: levels[name] for name in part.variables}
    box = Box(AREA.south, AREA.north, AREA.west, AREA.east)
    found = reader.read([path], Request(variables, box, TIMES[0], TIMES[-1]))
    grid = np.meshgrid(found.latitude, found.longitude, indexing="ij")
    assert found.indexes["time"].equals(pd.DatetimeIndex(part.times))
    for name, level in variables.items():
        for time in part.times:
            expected = fields.value(name, time, level, *grid)
            np.testing.assert_allclose(found[name].sel(time=time), expected, rtol=1e-6)


@pytest.mark.parametrize(
    "faults",
    [
        [],
        [Fault("/geopotential/", 503, times=3)],
        [Fault("/geopotential/", "half"), Fault("/temperature/", "half")],
        [Fault("/sea_surface", "silence")],
        [Fault("/geopotential/", "garbled")],
    ],
    ids=["none", "busy", "half a chunk", "silence", "garbled chunk"],
)
def test_whatever_fails_the_fields_are_the_store_s(server, tmp_path, faults):
    store = connect(server)
    server.fail(*faults)
    arco.fetch(store, PART, tmp_path / "got.nc", RETRIES)
    check(PART, tmp_path / "got.nc")


def test_only_the_chunks_of_the_wanted_times_are_asked_for(server, tmp_path):
    store = connect(server)
    arco.fetch(store, PART, tmp_path / "got.nc", RETRIES)
    chunks = {path.rpartition("/")[2] for _, path, _ in server.asked if "/geopotential/" in path}
    assert chunks == {f"{hour}.0.0.0" for hour in (0, 3, 6, 9)}


def test_the_metadata_are_waited_for(server):
    server.fail(Fault("/.zmetadata", 503, times=2))
    assert NAMES["sst"] in connect(server)


def test_a_local_store_is_read_too(era5, tmp_path):
    arco.fetch(arco.connect(str(era5), RETRIES), PART, tmp_path / "got.nc", RETRIES)
    check(PART, tmp_path / "got.nc")


def test_a_gs_address_is_read_at_its_public_one(server, era5, tmp_path, monkeypatch):
    monkeypatch.setattr(arco, "PUBLIC", f"{server.url}/")
    arco.fetch(arco.connect(f"gs://{era5.name}", RETRIES), PART, tmp_path / "got.nc", RETRIES)
    check(PART, tmp_path / "got.nc")


def test_a_store_that_is_not_public_is_refused_at_once(server, tmp_path):
    store = connect(server)
    server.fail(Fault("/geopotential/", 403, times=99))
    with pytest.raises(ValueError, match=r"geopotential of .* answers 403, expected public data"):
        arco.fetch(store, PART, tmp_path / "got.nc", RETRIES)
    assert len(server.gets("/geopotential/")) == 1


def test_no_store_is_said(server):
    with pytest.raises(ValueError, match=r"found no Zarr store.*correct download.arco.store"):
        arco.connect(f"{server.url}/elsewhere.zarr", RETRIES)


@pytest.mark.parametrize("name", ["geopotential", "sea_surface_temperature"])
def test_a_chunk_that_is_missing_is_no_field_of_nan(era5, tmp_path, name):
    copied = shutil.copytree(era5, tmp_path / "ar.zarr-v3")
    for chunk in (copied / name).glob("3.*"):
        chunk.unlink()
    with pytest.raises(ValueError, match=rf"{name}: nothing at 2013-11-05 03:00"):
        arco.fetch(arco.connect(str(copied), RETRIES), PART, tmp_path / "got.nc", RETRIES)


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (Part(("z",), (850,), (VALID[-1] + pd.Timedelta("1h"),), AREA), "from 2013-11-05 to"),
        (Part(("u",), (850,), TIMES, AREA), "has no u_component_of_wind; take download.era5: cds"),
        (Part(("msl",), (), TIMES, Area(30.0, 117.0, 18.0, 123.0)), "every 0.25° from 18 to 30"),
    ],
    ids=["time", "variable", "area"],
)
def test_what_the_store_lacks_is_said(era5, tmp_path, part, said):
    with pytest.raises(ValueError, match=said):
        arco.fetch(arco.connect(str(era5), RETRIES), part, tmp_path / "got.nc", RETRIES)


def test_relative_humidity_comes_as_what_it_is_made_of():
    names, levels = arco.wanted({"sst": None, "z": 850, "r": 200, "t": 500})
    assert names == ("sst", "z", "t", "q")
    assert levels == (200, 500, 850)
