import numpy as np
import pytest
from downloads.stand_ins import IMPATIENT, RETRIES, Fault, folder_of, serving

from nephele.downloads import https

CHUNK = 2**20  # bytes, that the client writes at a time
BODY = np.random.default_rng(3).bytes(5_000_000)


@pytest.fixture
def server(tmp_path):
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "tracks.csv").write_bytes(BODY)
    with serving(folder_of(tmp_path / "served")) as server:
        yield server


@pytest.mark.parametrize(
    "faults",
    [
        [],
        [Fault("tracks", "silence")],
        [Fault("tracks", 503, times=3), Fault("tracks", 429)],
        [Fault("tracks", "half"), Fault("tracks", "half")],
        [Fault("tracks", 404, method="HEAD"), Fault("tracks", "half")],  # no word of its length
        [Fault("tracks", "silence", method="HEAD")],
    ],
    ids=["none", "silence", "busy", "half", "half without length", "silent to HEAD"],
)
def test_whatever_fails_the_file_is_whole_in_the_end(server, tmp_path, faults):
    server.fail(*faults)
    https.fetch(f"{server.url}/tracks.csv", tmp_path / "got", RETRIES)
    assert (tmp_path / "got").read_bytes() == BODY


def test_of_a_file_that_broke_off_only_the_rest_is_asked_for(server, tmp_path):
    server.fail(Fault("tracks", "half"))
    https.fetch(f"{server.url}/tracks.csv", tmp_path / "got", RETRIES)
    written = len(BODY) // 2 // CHUNK * CHUNK
    assert server.gets("tracks") == [None, f"bytes={written}-"]


def test_an_address_without_a_file_is_refused_at_once(server, tmp_path):
    with pytest.raises(ValueError, match=r"answers 404 Not Found, expected the file; correct"):
        https.fetch(f"{server.url}/no.csv", tmp_path / "got", RETRIES)
    assert len(server.gets("no.csv")) == 1


def test_a_server_that_stays_silent_is_given_up(server, tmp_path):
    server.fail(Fault("tracks", "silence", times=99), Fault("tracks", "silence", 99, "HEAD"))
    with pytest.raises(ValueError, match=r"given up after 0.8 s.*ReadTimeout"):
        https.fetch(f"{server.url}/tracks.csv", tmp_path / "got", IMPATIENT)
