"""A store with five executions, the server of `make ui` on it, and a browser."""

import io
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import mlflow_server
import pytest
import stages
import tracked
from pages import executions
from pages.browser import Browser, Page
from PIL import Image

LARGEST = 300_000  # bytes of a picture of the docs


@pytest.fixture(scope="session")
def place(tmp_path_factory) -> Iterator[Path]:
    """A folder to be in, with the store that the stages filled."""
    place = tmp_path_factory.mktemp("pages")
    with pytest.MonkeyPatch.context() as patch:
        tracked.enter(place, patch)
        executions.fill()
        yield place


@pytest.fixture(scope="session")
def address(place) -> Iterator[str]:
    """The address that `make ui` prints; what it starts is running."""
    port = mlflow_server.free_port()
    recipe = _recipe("ui", f"PORT={port}")
    kept = {name: text for name, text in os.environ.items() if not name.startswith("MLFLOW")}
    kept["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    with (place / "server.log").open("w") as log:
        server = subprocess.Popen(
            ["bash", "-c", recipe[recipe.index("mlflow server") :]],
            stdout=log,
            stderr=log,
            env=kept | {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_WORKERS": "1"},
            start_new_session=True,
            cwd=place,
        )
    try:
        _wait_for(f"http://127.0.0.1:{port}/health", place / "server.log")
        yield re.findall(r'"(http://\S+)"', recipe)[-1]
    finally:
        os.killpg(server.pid, 9)
        server.wait()


@pytest.fixture(scope="session")
def browser(tmp_path_factory) -> Iterator[Browser]:
    browser = Browser(tmp_path_factory.mktemp("browser"))
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def picture() -> Callable[[Page, str], None]:
    """Write what is seen into the folder PICTURES, where there is one."""

    def write(page: Page, name: str) -> None:
        if folder := os.environ.get("PICTURES"):
            seen = page.picture()
            path = stages.ROOT / folder / f"{name}.png"
            path.write_bytes(seen)
            if len(seen) > LARGEST:
                image = Image.open(io.BytesIO(seen)).convert("RGB")
                image.quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)
            assert path.stat().st_size <= LARGEST

    return write


def _recipe(*arguments: str) -> str:
    kept = {name: text for name, text in os.environ.items() if not name.startswith("MAKE")}
    command = ["make", "--dry-run", "--no-print-directory", *arguments]
    return subprocess.check_output(command, cwd=stages.ROOT, env=kept, text=True)


def _wait_for(url: str, log: Path) -> None:
    for _ in range(600):
        try:
            urllib.request.urlopen(url, timeout=1)
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(log.read_text())
