"""How a training step, a forecast and their memory grow.

    python benchmarks/scaling.py

The network of params.yaml on random frames, in fp32 or what `precision` says: a training step by
size of the batch, by side of the frames and by length of the history; an ensemble by number of
members; a training with maps that are kept, and with maps that are made twice (`recompute`) or
batches in parts (`accumulate`). Peak memory is that of a process of its own, less what one takes
that only imports. Prints Markdown tables.
"""

import argparse
import multiprocessing
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import machine
import numpy as np
import torch
from network_speed import Setting, learning
from torch import Generator

from nephele.forecasting.ensemble import forecast
from nephele.windows.tensors import Scales, Windows

VARIABLES = ("sst", "msl", "z", "r")
LEADS = tuple(range(3, 25, 3))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    print(machine.described("torch") + f", {torch.get_num_threads()} threads\n")
    base = alone(memory)
    for what, cases in {
        "batch": {size: {"batch": size} for size in (2, 4, 8, 16, 32)},
        "side of the frames": {side: {"side": side} for side in (64, 128, 256)},
        "frames of history": {count: {"history": count} for count in (2, 4, 8)},
        "training": {
            "batch 16": {"batch": 16},
            "batch 16, recompute": {"batch": 16, "changes": ("optimisation.recompute=true",)},
            "batch 16, accumulate 4": {"batch": 16, "changes": ("optimisation.accumulate=4",)},
        },
    }.items():
        print(f"| {what} | ms a step | ms a sample | MiB |\n|---|---|---|---|")
        for name, case in cases.items():
            seconds, used = alone(step, repeats, **case)
            each = 1e3 * seconds / case.get("batch", 4)
            print(f"| {name} | {1e3 * seconds:.0f} | {each:.0f} | {used - base:.0f} |", flush=True)
        print()
    print("| members | s a forecast | s a member | MiB |\n|---|---|---|---|")
    for members in (1, 4, 16, 64):
        seconds, used = alone(ensemble, members)
        each = seconds / members
        print(f"| {members} | {seconds:.2f} | {each:.3f} | {used - base:.0f} |", flush=True)


def alone(work: Callable, *args, **kwargs):
    """What `work` gives in a process of its own, so that its peak of memory is its own, too."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, args, kwargs)


def memory() -> float:
    """The peak of this process so far, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def step(
    repeats: int, batch: int = 4, side: int = 128, history: int = 4, changes: tuple[str, ...] = ()
) -> tuple[float, float]:
    """Seconds of a training step, and the peak of memory."""
    _, steps = learning(windows(side, history), Setting("", "", changes, 5), batch)
    for _ in range(2):
        next(steps)
    return statistics.median(_timed(steps, repeats)), memory()


def ensemble(members: int) -> tuple[float, float]:
    """Seconds of a forecast of all lead times in five evaluations, and the peak of memory."""
    data = windows()
    model, _ = learning(data, Setting("", "", (), 5), 4)
    model = model.with_steps(5)
    model = replace(model, network=model.network.eval().requires_grad_(False))
    samples = data.samples(data.spread("test", 1))
    forecast(model, samples, 1, seed=0)
    start = time.perf_counter()
    forecast(model, samples, members, seed=0)
    return time.perf_counter() - start, memory()


def _timed(steps: Iterator[object], repeats: int) -> Iterator[float]:
    for _ in range(repeats):
        start = time.perf_counter()
        next(steps)
        yield time.perf_counter() - start


def windows(side: int = 128, history: int = 4) -> Windows:
    """Some windows of random frames."""
    count, length = 40, history + len(LEADS)
    generator = Generator().manual_seed(0)
    era5 = torch.randn(count + length, len(VARIABLES), side, side, generator=generator)
    return Windows(
        frames=torch.randn(count + length, side, side, generator=generator),
        era5=era5.half(),
        valid=torch.ones_like(era5).half(),
        climatology=torch.zeros(len(VARIABLES), side, side),
        frame_index=np.arange(count)[:, None] + np.arange(length),
        split=np.array(["train"] * (count - 2) + ["validation", "test"]),
        storm=np.array(["S1"] * count),
        init_time=np.datetime64("2007-10-03T00", "ns") + np.arange(count),
        variables=VARIABLES,
        history=history,
        future=5,
        lead_hours=LEADS,
        scales=Scales(270.0, 25.0),
        attributes={"cell_km": 20.0, "spacing_hours": 3},
    )


if __name__ == "__main__":
    main()
