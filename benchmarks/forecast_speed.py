"""How long a forecast takes: to load, to make, and as a command from start to end.

    python benchmarks/forecast_speed.py --frames data/S0001/frames.nc

Prints a Markdown table; each time is the median of several runs, with the range of them.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import machine

from components import model_location
from components.forecast import MODEL
from nephele.archives import observed
from nephele.forecasting import trained
from nephele.products import ensembles, initial

MEMBERS = 16
LOAD = """
import time
start = time.perf_counter()
import components
from components import model_location
from nephele.forecasting import trained
from nephele.products import dataset, ensembles, initial
trained.load(model_location.folder({model!r}))
print(time.perf_counter() - start)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=Path, default=Path("data/S0001/frames.nc"))
    parser.add_argument("--model", default=MODEL)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    print(machine.described("torch", "diffusers", "xarray"), end="\n\n")
    print("| what | median, s | least to most, s |\n|---|---|---|")
    for name, seconds in measured(options.frames, options.model, options.runs):
        spread = f"{min(seconds):.2f} to {max(seconds):.2f}"
        print(f"| {name} | {statistics.median(seconds):.2f} | {spread} |", flush=True)


def measured(frames: Path, name: str, runs: int):
    """What was done and the seconds of each run."""
    yield "import and load the model", [_loaded(name) for _ in range(runs)]

    model = trained.load(model_location.folder(name))
    need = initial.Need.of(model.description)
    brightness = initial.past(observed.find([frames]), need).brightness
    about = model.description
    for leads in (about.shape.future, len(model.lead_hours)):
        hours = leads * about.trained_on.spacing_hours

        def once(leads: int = leads) -> object:
            return ensembles.ensemble(model, brightness, MEMBERS, 0, leads)

        once()  # the first is slower: memory is laid out and kernels are chosen
        label = f"forecast of {MEMBERS} members × {leads} frames ({hours} h)"
        yield label, [_timed(once) for _ in range(runs)]
        command = [sys.executable, "-m", "components.forecast", "forecast", str(frames)]
        with tempfile.TemporaryDirectory() as folder:
            command += ["--model", name, "--hours", str(hours), "--out", f"{folder}/forecast.nc"]
            seconds = [_timed(lambda: _run(command)) for _ in range(runs)]  # noqa: B023
        yield f"`nephele forecast --hours {hours}`, start to end", seconds


def _loaded(model: str) -> float:
    code = LOAD.format(model=model)
    return float(subprocess.check_output([sys.executable, "-c", code], text=True))


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True)


def _timed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
