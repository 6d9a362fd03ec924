"""How fast the paper configuration trains and forecasts on a GPU, and what share of it that is.

    python benchmarks/gpu_speed.py [--windows WINDOWS] [--batches 4 16] [--compile]

Teacher and student of experiments/paper.yaml as their stages train them (bf16, channels_last, fused
optimiser), each with other ways to do so beside it. FLOPs are counted while the network runs
(torch.utils.flop_counter: convolutions and products, a multiplication and an addition are two); the
peak is measured, of a product of matrices in bf16. A step is all of it: its batch is read, noised,
sent, learnt from and averaged. Weights are untrained: speed does not depend on them.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import mock

import machine
import torch
import yaml
from network_speed import flops

from nephele import parameter_file
from nephele.forecasting.ensemble import forecast
from nephele.forecasting.trained import Description, TrainedModel
from nephele.learning.objectives import student_objective, teacher_objective
from nephele.learning.training import Learner, train
from nephele.nested import flat
from nephele.params import StudentParams, TeacherParams
from nephele.windows.tensors import Windows

PAPER = yaml.safe_load(Path("experiments/paper.yaml").read_text())
GPU = torch.device("cuda")
WARM_UP = 3  # steps: kernels are chosen, memory is asked for


@dataclass(frozen=True)
class Setting:
    """Who trains, and how."""

    label: str
    role: str  # teacher | student
    changes: tuple[str, ...] = ()  # of the section of params.yaml


def settings(batches: list[int], compiled: bool) -> Iterator[Setting]:
    """What is compared: the batches first, then other ways with the largest of them."""
    for size in batches:
        for role in ("teacher", "student"):
            yield Setting(f"{role}, batch of {size}", role, (f"batch_size={size}",))
    largest = f"batch_size={batches[-1]}"
    ways = {
        "in fp32": "optimisation.precision=fp32",
        "blocks once more on the way back": "optimisation.recompute=true",
        "in four parts": "optimisation.accumulate=4",
    }
    if compiled:
        ways["blocks compiled"] = "optimisation.compile=true"
    for label, change in ways.items():
        yield Setting(f"teacher, batch of {batches[-1]}, {label}", "teacher", (largest, change))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--windows", type=Path, default=Path("outputs/regrid/windows.zarr"))
    parser.add_argument("--batches", type=int, nargs="+", default=[4, 16])
    parser.add_argument("--repeats", type=int, default=10, help="training steps that are timed")
    parser.add_argument("--steps", type=int, default=5, help="in which a forecast is sampled")
    parser.add_argument("--compile", action="store_true", help="a row more, minutes of compiling")
    options = parser.parse_args()
    windows = Windows.read(options.windows)
    top = peak()
    print(machine.described("torch", "diffusers") + f"; {torch.cuda.get_device_name()}\n")
    print(f"Peak of a product of matrices in bf16: {top / 1e12:.0f} TFLOP/s.\n")
    print("| training | TFLOP a step | ms a step | samples/s | share of peak | memory, GB |")
    print("|---|---|---|---|---|---|", flush=True)
    for setting in settings(options.batches, options.compile):
        try:
            trained(windows, setting, options.repeats, top)
        except torch.OutOfMemoryError:
            print(f"| {setting.label} | more memory than there is | | | | |", flush=True)
    print("\n| forecast of 5 frames | TFLOP a member | ms a member | share of peak |")
    print("|---|---|---|---|", flush=True)
    for members in (1, 8, 64):
        forecasted(windows, members, options.steps, top)


def trained(windows: Windows, setting: Setting, repeats: int, top: float) -> None:
    """Print the row of a training."""
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    steps, size = training(windows, setting)
    for _ in range(WARM_UP):
        next(steps)
    eager = "optimisation.compile=true" not in setting.changes
    work = flops(lambda: next(steps)) if eager else float("nan")
    seconds = statistics.median(timed(lambda: next(steps)) for _ in range(repeats))
    memory = torch.cuda.max_memory_allocated() / 1e9
    print(
        f"| {setting.label} | {work / 1e12:.2f} | {1e3 * seconds:.0f} | {size / seconds:.1f} | "
        f"{work / seconds / top:.0%} | {memory:.1f} |",
        flush=True,
    )


def training(windows: Windows, setting: Setting) -> tuple[Iterator[object], int]:
    """The steps of a training, which is as long as one likes, and its batch's size."""
    endless = {"steps": 10**6, "shares_every": 10**6}
    paper = _section("pretrain_teacher", TeacherParams, setting.changes)
    teacher = _model(windows, paper)
    if setting.role == "teacher":
        given = replace(paper, **endless)
        objective = teacher_objective(given.weights, given.steps)
        network = teacher.network
    else:
        given = replace(_section("distill_student", StudentParams, setting.changes), **endless)
        objective = student_objective(teacher.network.eval(), given.weights, given.steps)
        network = _model(windows, paper).network
    learner = Learner.fresh(network, given.optimisation)
    return train(learner, objective, teacher.prediction, windows, given), given.batch_size


def forecasted(windows: Windows, members: int, steps: int, top: float) -> None:
    """Print the row of a forecast of as many frames as the network has."""
    model = _model(windows, _section("pretrain_teacher", TeacherParams, ())).with_steps(steps)
    samples = windows.samples(windows.spread("test", 1))

    def once() -> object:
        return forecast(model, samples, members, seed=0, leads=windows.future)

    once()
    # The counter takes products apart, and autocast then loses track of what it has cast.
    with mock.patch("nephele.network.precision.in_hardware", return_value=False):
        work = flops(once)
    seconds = statistics.median(timed(once) for _ in range(5))
    print(
        f"| {members} members, {steps} evaluations | {work / members / 1e12:.2f} | "
        f"{1e3 * seconds / members:.0f} | {work / seconds / top:.0%} |",
        flush=True,
    )


def _section(name: str, kind: type, changes: tuple[str, ...]) -> TeacherParams | StudentParams:
    paper = [f"{key}={value}" for key, value in flat(PAPER[name]).items()]
    return parameter_file.read("params.yaml", name, kind, [*paper, *changes])


def _model(windows: Windows, given: TeacherParams) -> TrainedModel:
    description = Description.of_teacher(windows, given)
    torch.manual_seed(0)
    return TrainedModel(description.untrained().channels_last().to(GPU), description)


def peak(size: int = 8192, repeats: int = 10) -> float:
    """FLOP/s of a product of two matrices."""
    one = torch.randn(size, size, device=GPU, dtype=torch.bfloat16)
    one @ one
    return 2 * size**3 / statistics.median(timed(lambda: one @ one) for _ in range(repeats))


def timed(work: Callable[[], object]) -> float:
    torch.cuda.synchronize()
    start = time.perf_counter()
    work()
    torch.cuda.synchronize()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
