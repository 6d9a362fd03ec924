"""What tracking costs a training: microseconds a call, and seconds at the end of the stage.

    python -m benchmarks.tracking_cost [--server http://127.0.0.1:5000]

A step of a training is a matrix product of some milliseconds, which logs as often as a training
that logs every step: ten figures. Cases: no tracking; the database of this machine; a server, if
one is named; a server that refuses connections; one that takes them and never answers.
"""

import argparse
import os
import socket
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from components import tracking

STEPS = 1000
SIZE = 400  # of the matrices: about 5 ms a step on one core
FIGURES = {f"loss_{number}": 1.0 for number in range(10)}


def measured(uri: str | None) -> tuple[float, float, float]:
    """Microseconds of the median call, steps a second, and seconds that the end takes."""
    tracking.available = (lambda: False) if uri is None else (lambda: True)  # type: ignore[assignment]
    os.environ["MLFLOW_TRACKING_URI"] = uri or ""
    matrix = np.random.default_rng(0).normal(size=(SIZE, SIZE))
    calls = []
    with tracking.run("train", {"seed": 0}) as log:
        log.metrics(0, **FIGURES)
        started = time.perf_counter()
        for step in range(1, STEPS + 1):
            matrix = matrix @ matrix
            matrix /= np.linalg.norm(matrix)
            before = time.perf_counter()
            log.metrics(step, **FIGURES)
            calls.append(time.perf_counter() - before)
        trained = time.perf_counter()
    ended = time.perf_counter() - trained
    return 1e6 * statistics.median(calls), STEPS / (trained - started), ended


def silent(stack: ExitStack) -> str:
    """A server that takes connections and never answers."""
    listener = stack.enter_context(socket.socket())
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def refused() -> str:
    """The address of no server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def main() -> None:
    """Print a table, a row a case."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", help="a good MLflow server")
    server = parser.parse_args().server
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        os.chdir(folder)
        cases: dict[str, Callable[[], str | None]] = {
            "no tracking": lambda: None,
            "database": lambda: f"sqlite:///{Path(folder, 'mlflow.db')}",
            "server": lambda: server,
            "dead server": refused,
            "silent server": lambda: silent(stack),
        }
        if server is None:
            del cases["server"]
        print(f"{'':14}{'µs a call':>10}{'steps/s':>10}{'end, s':>10}")
        for name, address in cases.items():
            call, speed, end = measured(address())
            print(f"{name:14}{call:10.0f}{speed:10.1f}{end:10.1f}", flush=True)


if __name__ == "__main__":
    main()
