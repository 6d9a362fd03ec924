"""What needs no docker of the containers: the wheel house, and tests that have no daemon."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import stages

SERVE = """
source containers/offline.sh
PYTHON=$1 WHEELS=$2 PORT=$3 server='' started='' log=$(mktemp)
trap finish EXIT
serve_wheels
echo "served $(fetch storms.whl)"
"""


def serve(wheels: Path, port: int) -> subprocess.CompletedProcess:
    command = ["bash", "-c", SERVE, "bash", sys.executable, str(wheels), str(port)]
    return subprocess.run(
        command, cwd=stages.ROOT, env=os.environ | {"NEPHELE_CONTAINERS": str(wheels)},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


@pytest.fixture
def wheels(tmp_path) -> Path:
    (tmp_path / "storms.whl").write_text("a wheel")
    return tmp_path


class Foreign(BaseHTTPRequestHandler):
    """Has whatever is asked for."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"another wheel")

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def foreign() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Foreign) as server:
        threading.Thread(target=server.serve_forever).start()
        yield server.server_port
        server.shutdown()


def test_wheels_of_another_server_at_the_port_are_not_taken(wheels, foreign):
    run = serve(wheels, foreign)
    assert run.returncode == 1
    assert "served" not in run.stdout
    assert f"port {foreign} does not lead to the wheel house; end what listens" in run.stderr


def test_wheel_house_is_served_and_keeps_no_trace_of_the_proof(wheels):
    with HTTPServer(("127.0.0.1", 0), Foreign) as free:
        port = free.server_port
    run = serve(wheels, port)
    assert (run.returncode, run.stdout) == (0, "served a wheel\n"), run.stderr
    assert [file.name for file in wheels.iterdir()] == ["storms.whl"]


@pytest.mark.parametrize(("required", "ended"), [("", "SKIPPED"), ("yes", "ERROR")])
def test_containers_tests_without_a_daemon_fail_where_they_are_required(required, ended, tmp_path):
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-rsE", "-p", "no:cacheprovider", "tests/containers",
         "-k", "test_there_is_an_image_for_every_stage"],
        cwd=stages.ROOT, capture_output=True, text=True, check=False,
        env=os.environ | {"DOCKER_HOST": f"unix://{tmp_path}/none.sock",
                          "NEPHELE_TEST_CONTAINERS": required},
    )  # fmt: skip
    assert f"{ended} " in run.stdout, run.stdout + run.stderr
    assert run.returncode == (1 if required else 0)
