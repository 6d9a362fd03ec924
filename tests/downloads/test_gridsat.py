import os

import boto3
import numpy as np
import pandas as pd
import pytest
from downloads.stand_ins import IMPATIENT, RETRIES, Fault, in_front_of, serving
from moto.server import ThreadedMotoServer

from nephele.downloads import gridsat
from nephele.downloads.gridsat import Bucket, Stored
from nephele.downloads.params import GridSatParams

BUCKET = "noaa-cdr-gridsat-b1-pds"
TIMES = list(pd.date_range("2013-12-31 18:00", periods=4, freq="3h"))
MISSING = TIMES[2]
BODIES = {time: np.random.default_rng(time.hour).bytes(50_000) for time in TIMES}


@pytest.fixture(scope="module")
def moto():
    """Amazon's protocol on loopback, with the public bucket's layout."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    client = boto3.client(
        "s3",
        endpoint_url=address,
        region_name="us-east-1",
        aws_access_key_id="owner",
        aws_secret_access_key="owner",
    )
    client.create_bucket(Bucket=BUCKET, ACL="public-read")
    for time, body in BODIES.items():
        if time != MISSING:
            key = f"data/{time:%Y}/GRIDSAT-B1.{time:%Y.%m.%d.%H}.v02r01.nc"
            client.put_object(Bucket=BUCKET, Key=key, Body=body, ACL="public-read")
    client.put_object(Bucket=BUCKET, Key="data/2013/index.html", Body=b"", ACL="public-read")
    yield address
    server.stop()


@pytest.fixture
def server(moto, monkeypatch):
    """The same, with faults; and no account, which a public bucket does not need."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    with serving(in_front_of(moto)) as server:
        yield server


def bucket(server, name=BUCKET):
    return Bucket(GridSatParams(bucket=name, endpoint=server.url, parallel=2), RETRIES)


def test_the_listing_has_the_wanted_times_and_no_others(server):
    found = bucket(server).find([*TIMES, TIMES[0] + pd.Timedelta("1h")])
    assert sorted(found) == [time for time in TIMES if time != MISSING]
    assert found[TIMES[0]].key == "data/2013/GRIDSAT-B1.2013.12.31.18.v02r01.nc"
    assert found[TIMES[3]].key == "data/2014/GRIDSAT-B1.2014.01.01.03.v02r01.nc"
    assert {file.size for file in found.values()} == {50_000}


@pytest.mark.parametrize(
    "fault", [None, "silence", "half", "garbled", 503, 500], ids=lambda fault: str(fault)
)
def test_whatever_fails_the_file_is_whole_in_the_end(server, tmp_path, fault):
    if fault is not None:
        server.fail(Fault("?list-type", fault if fault != "garbled" else 503), Fault(".nc", fault))
    store = bucket(server)
    file = store.find(TIMES[:1])[TIMES[0]]
    store.fetch(file, tmp_path / file.name)
    assert (tmp_path / file.name).read_bytes() == BODIES[TIMES[0]]


def test_a_file_that_has_changed_since_the_listing_is_given_up(server, tmp_path):
    found = bucket(server).find(TIMES[:1])[TIMES[0]]
    other = Stored(found.key, found.size, "0" * gridsat.MD5_LENGTH)
    store = Bucket(
        GridSatParams(bucket=BUCKET, endpoint=server.url, parallel=1),
        IMPATIENT,
    )
    with pytest.raises(ValueError, match=r"given up .* its MD5 is not 0000"):
        store.fetch(other, tmp_path / "got")


def test_a_bucket_that_is_not_there_is_refused_at_once(server):
    with pytest.raises(ValueError, match=r"answers 404 NoSuchBucket.*correct download.gridsat"):
        bucket(server, "elsewhere").find(TIMES)
    assert len(server.gets("elsewhere")) == 1
