"""The command as the user runs it, against sources on loopback."""

import os
import re
import sys
from pathlib import Path

import boto3
import numpy as np
import pandas as pd
import pytest
import yaml
from downloads import fields
from downloads.stand_ins import (
    TOKEN,
    Cds,
    Fault,
    climate_data_store,
    folder_of,
    in_front_of,
    serving,
)
from moto.server import ThreadedMotoServer

from components.acquire import download
from nephele.archives import best_tracks, era5
from nephele.archives.coordinates import Box
from nephele.archives.selecting import Request

SID = "2013306N07162"
HOURS = pd.date_range("2013-11-06 21:00", periods=5, freq="3h")
TRACK = [(11.0, 126.0), (11.2, 125.0), (11.4, 124.0), (11.6, 123.0), (11.8, 122.0)]
VARIABLES = {"sst": None, "msl": None, "z": 850, "r": 200}
BUCKET = "gridsat"
BOX = Box(0.0, 23.0, 112.0, 137.0)


def ibtracs() -> str:
    columns = "SID,SEASON,NUMBER,BASIN,SUBBASIN,NAME,ISO_TIME,NATURE,LAT,LON,TRACK_TYPE"
    rows = [columns, " ,Year, , , , , , ,degrees_north,degrees_east, "]
    for sid, name, kind in ((SID, "HAIYAN", "main"), ("2013307N00000", "SPUR", "spur-other")):
        for time, (latitude, longitude) in zip(HOURS, TRACK, strict=True):
            where = f"{time:%Y-%m-%d %H:%M:%S},TS,{latitude},{longitude}"
            rows.append(f"{sid},2013,81,WP,MM,{name},{where},{kind}")
    return "\n".join(rows) + "\n"


@pytest.fixture(scope="module")
def moto():
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    owner = {"aws_access_key_id": "owner", "aws_secret_access_key": "owner"}
    client = boto3.client("s3", endpoint_url=address, region_name="us-east-1", **owner)
    client.create_bucket(Bucket=BUCKET, ACL="public-read")
    for time in HOURS[:-1]:  # the last is not there yet
        key = f"data/{time:%Y}/GRIDSAT-B1.{time:%Y.%m.%d.%H}.v02r01.nc"
        client.put_object(Bucket=BUCKET, Key=key, Body=key.encode() * 999, ACL="public-read")
    yield address
    server.stop()


@pytest.fixture(scope="module")
def arco(tmp_path_factory):
    latitude, longitude = np.arange(26.0, -4.1, -0.25), np.arange(105.0, 143.1, 0.25)
    return fields.store(tmp_path_factory.mktemp("arco") / "ar.zarr", HOURS, latitude, longitude)


class Sources:
    """The four sources, and a params.yaml that names them."""

    def __init__(self, cds, served, cds_server, web, s3, arco, folder):
        self.state, self.cds, self.web, self.s3, self.arco = cds, cds_server, web, s3, arco
        self.served, self.archive, self.params = served, folder / "archive", folder / "params.yaml"
        self.write()

    def write(self, variables=VARIABLES, **changes):
        """Write params.yaml, with the repository's own sections beside it."""
        text = yaml.safe_load(Path("params.yaml").read_text())
        text["acquire"]["variables"] = variables
        text["download"] = {
            "storms": ["HAIYAN-2013"],
            "years": [],
            "tracks": "ibtracs",
            "frames": "gridsat",
            "era5": "cds",
            "hours": 3,
            "ibtracs": f"{self.web.url}/ibtracs.WP.list.v04r01.csv",
            "gridsat": {"bucket": BUCKET, "endpoint": self.s3.url, "parallel": 2},
            "cds": {"url": f"{self.cds.url}/api", "parallel": 2},
            "arco": {"store": str(self.arco), "parallel": 2},
            "retries": {
                "timeout": 3.0,
                "wait": 0.01,
                "factor": 2.0,
                "longest": 0.05,
                "patience": 60.0,
            },
        } | changes
        self.params.write_text(yaml.safe_dump(text, sort_keys=False))

    def asked(self):
        """How many calls the sources have had."""
        return sum(len(server.asked) for server in (self.cds, self.web, self.s3))


@pytest.fixture
def sources(moto, arco, tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CDSAPI_KEY", TOKEN)
    served = tmp_path / "served"
    served.mkdir()
    (served / "ibtracs.WP.list.v04r01.csv").write_text(ibtracs())
    state = Cds(fields.delivered)
    with (
        serving(climate_data_store(state)) as cds,
        serving(folder_of(served)) as web,
        serving(in_front_of(moto)) as s3,
    ):
        yield Sources(state, served, cds, web, s3, arco, tmp_path)


def command(sources, monkeypatch, caplog, *arguments):
    """Run the command; its last line, or the sentence with which it ends."""
    line = ["download", "--params", str(sources.params), "--archive", str(sources.archive)]
    monkeypatch.setattr(sys, "argv", [*line, *arguments])
    caplog.clear()
    try:
        download.main()
    except SystemExit as end:
        return end.code
    return caplog.messages[-1]


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))


def check(sources, variables=VARIABLES):
    """What lies in the archive is what the formula gives, as acquire's reader sees it."""
    request = Request(variables, BOX, HOURS[0], HOURS[-1])
    found = era5.read(str(sources.archive / "era5" / SID), request)
    assert found.indexes["time"].equals(HOURS)
    grid = np.meshgrid(found.latitude, found.longitude, indexing="ij")
    for name in {"sst", "msl", "z"} & variables.keys():
        for time in HOURS:
            expected = fields.value(name, time, variables[name], *grid)
            np.testing.assert_allclose(found[name].sel(time=time), expected, rtol=1e-6)
    return found


def test_the_archive_holds_what_acquire_reads_and_the_last_line_says_how(
    sources, monkeypatch, caplog
):
    last = command(sources, monkeypatch, caplog)
    archive = sources.archive
    assert last == (
        f"{archive} has 1 storm(s), 4 GridSat-B1 frames, ERA5 (sst, msl, z, r) every 3 h; "
        f"what reads it in params.yaml is acquire.gridsat.tracks: {archive}/tracks.csv, "
        f"acquire.source: gridsat, acquire.gridsat.files: {archive}/gridsat, "
        f"acquire.era5: {archive}/era5/{{storm}}"
    )
    assert "1 of 5 frames are not in the bucket, the first that of 2013-11-07 09:00 UTC" in (
        caplog.text
    )
    assert [path.name for path in sorted((archive / "gridsat").iterdir())] == [
        f"GRIDSAT-B1.{time:%Y.%m.%d.%H}.v02r01.nc" for time in HOURS[:-1]
    ]
    assert list(best_tracks.read_ibtracs(archive / "tracks.csv")) == [SID]
    check(sources)


def test_the_second_time_only_the_listing_is_asked_for(sources, monkeypatch, caplog):
    first = command(sources, monkeypatch, caplog)
    before, there = sources.asked(), files(sources.archive)
    assert command(sources, monkeypatch, caplog) == first
    assert sources.asked() == before + 1
    assert files(sources.archive) == there


def test_after_an_interruption_only_the_rest_is_fetched(sources, monkeypatch, caplog):
    sources.write(cds={"url": f"{sources.cds.url}/api", "parallel": 1})
    sources.s3.fail(Fault("2013.11.07.03", 403))
    assert "answers 403" in command(sources, monkeypatch, caplog)
    assert not [name for name in files(sources.archive) if "partial" in name]
    assert 0 < len(list((sources.archive / "gridsat").glob("*.nc"))) < 4
    sources.state.rejections.append("Maximum number of daily requests reached")
    assert "daily requests" in command(sources, monkeypatch, caplog)
    assert not (sources.archive / "era5" / SID).exists()
    assert "has 1 storm" in command(sources, monkeypatch, caplog)
    names = [str(request["variable"]) for _, request in sources.state.taken]
    assert len(names) == len(set(names)) == 3  # surface, 850 hPa, 200 hPa: each once
    for time in HOURS[:-1]:
        assert len(sources.s3.gets(f"{time:%Y.%m.%d.%H}")) <= 2
    check(sources)


def test_a_storm_whose_request_has_changed_is_fetched_again(sources, monkeypatch, caplog):
    command(sources, monkeypatch, caplog)
    sources.write(variables={"msl": None, "r": 500})
    assert "ERA5 (msl, r)" in command(sources, monkeypatch, caplog)
    check(sources, {"msl": None, "r": 500})
    names = [path.name for path in (sources.archive / "era5" / SID).glob("*.nc")]
    assert sorted(name.partition("_2013")[0] for name in names) == ["500_hpa", "single_levels"]


def test_arco_gives_one_file_a_storm_with_the_same_fields(sources, monkeypatch, caplog):
    last = command(sources, monkeypatch, caplog, "--set", "era5=arco", "frames=null")
    assert "1 storm(s), ERA5 (sst, msl, z, r)" in last
    assert files(sources.archive / "era5" / SID) == ["era5.nc", "request.json"]
    assert "r" in check(sources)  # from t and q


def test_tracks_of_a_digital_typhoon_archive_serve_too(sources, monkeypatch, caplog):
    jma = sources.archive / "digital_typhoon" / "jma"
    jma.mkdir(parents=True)
    rows = [
        f"{time:%Y\t%m\t%d\t%H}\t5\t{latitude}\t{longitude}\t900\t90\n"
        for time, (latitude, longitude) in zip(HOURS, TRACK, strict=True)
    ]
    (jma / "201330.tsv").write_text("".join(rows))
    sources.write(tracks="digital_typhoon", storms=[], years=[2013], frames=None)
    last = command(sources, monkeypatch, caplog)
    assert last.endswith(
        "what reads it in params.yaml is acquire.source: digital_typhoon, "
        f"acquire.digital_typhoon.archive: {sources.archive}, "
        f"acquire.era5: {sources.archive}/era5/{{storm}}"
    )
    assert (sources.archive / "era5" / "201330" / "request.json").exists()


def test_storms_of_a_season_are_those_that_are_no_spurs(sources, monkeypatch, caplog):
    last = command(sources, monkeypatch, caplog, "--set", "storms=[]", "years=[2013]", "era5=null")
    assert "has 1 storm(s), 4 GridSat-B1 frames; what" in last


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["storms=[]"], "download.storms and download.years are empty.*HAIYAN"),
        (["storms=[NOBODY-2013]"], "download.storms: IBTrACS has no NOBODY-2013"),
        (["era5=era6"], "download.era5 = 'era6'"),
        (["hours=5"], "download.hours = 5: Input should be 1, 2, 3, 4 or 6"),
        (["gridsat.bucket=elsewhere"], "download: s3://elsewhere/.* correct download.gridsat"),
    ],
    ids=["nothing", "nobody", "source", "hours", "bucket"],
)
def test_what_is_wrong_is_one_sentence(sources, monkeypatch, caplog, arguments, said):
    sentence = command(sources, monkeypatch, caplog, "--set", *arguments)
    assert sentence.startswith("download: ")
    assert re.search(said, sentence)


def test_a_disk_that_is_too_small_is_said_before_anything_is_fetched(sources, monkeypatch, caplog):
    usage = download.shutil.disk_usage(".")._replace(free=10_000)
    monkeypatch.setattr(download.shutil, "disk_usage", lambda _: usage)
    assert "4 GridSat-B1 frames: " in command(sources, monkeypatch, caplog)
    assert not list((sources.archive / "gridsat").iterdir())


def test_a_page_in_place_of_the_tracks_leaves_nothing(sources, monkeypatch, caplog):
    (sources.served / "ibtracs.WP.list.v04r01.csv").write_text("<html>sign in</html>\n")
    assert "found no table of IBTrACS" in command(sources, monkeypatch, caplog)
    assert files(sources.archive) == []
