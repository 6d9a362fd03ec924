"""How long a training step and a forecast take, and what share of the machine that is.

    python benchmarks/network_speed.py [--windows WINDOWS] [--only compact paper]

Side by side in one run: the network of params.yaml, as it is (in bf16 where the machine calculates
in it) and in fp32; that of experiments/paper.yaml; and the reference: an NCSN++ of the sizes of the
paper (full resolution, FIR resampling) without ERA5, which predicts the noise in fp32 and samples
in 100 steps of DDPM, and the same with as many parameters as the compact network. FLOPs are counted
while the network runs (torch.utils.flop_counter: convolutions and products, a multiplication and an
addition are two), and so are the bytes that its operations read and write, as if nothing stayed in
a cache. The roofline is the lesser of two bounds: the peak of a product of matrices here, and what
as many bytes allow at the speed of a copy. Weights are untrained: speed does not depend on them.
Prints Markdown tables; the profiles say where a step and a forecast of the first network go.
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
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from nephele import parameter_file
from nephele.forecasting.ensemble import forecast
from nephele.forecasting.trained import Description, TrainedModel
from nephele.learning.objectives import teacher_objective
from nephele.learning.training import Learner, batch, train
from nephele.network.precision import in_hardware
from nephele.params import TeacherParams
from nephele.windows.tensors import Windows

PAPER = yaml.safe_load(Path("experiments/paper.yaml").read_text())["pretrain_teacher"]
REFERENCE = ("network.era5=channels", "weights.causal=0", "prediction=noise", "noise.white=1.0")
REFERENCE_WAY = ("optimisation.precision=fp32", "sampling.sampler=ddpm", "sampling.steps=[100]")
EVALUATIONS_TIMED = 5  # of a forecast that takes more, all of which are alike


@dataclass(frozen=True)
class Setting:
    """A network and how it is run: changes to the section `pretrain_teacher` of params.yaml."""

    name: str
    label: str
    changes: tuple[str, ...]
    evaluations: int  # of the network in a forecast

    @property
    def params(self) -> TeacherParams:
        return parameter_file.read("params.yaml", "pretrain_teacher", TeacherParams, self.changes)


def settings(steps: int) -> list[Setting]:
    """What is compared; `steps` are those in which the compact network samples."""
    network = tuple(f"network.{name}={value}" for name, value in PAPER["network"].items())
    reference = (*network, *REFERENCE, *REFERENCE_WAY)
    compact = ("network.resampling=fir", *REFERENCE, *REFERENCE_WAY)
    small = (*reference, "network.channels=24", "network.self_attention_head=24")
    return [
        Setting("compact", "compact", (), steps),
        Setting("compact_fp32", "compact, in fp32", ("optimisation.precision=fp32",), steps),
        Setting("compact_reference", "compact sizes, run the reference's way", compact, 100),
        Setting("small_reference", "NCSN++ of as many parameters as compact", small, 100),
        Setting("paper", "paper", network, steps),
        Setting("reference", "reference: NCSN++ of the paper's sizes", reference, 100),
    ]


@dataclass(frozen=True)
class Measured:
    """Figures of one setting; seconds are medians."""

    parameters: int
    step_flops: float  # of one sample
    step_bytes: float
    step: float  # s a sample
    forecast_flops: float  # of one member of as many frames as the network has
    forecast: float  # s a member


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--windows", type=Path, default=Path("outputs/regrid/windows.zarr"))
    parser.add_argument("--steps", type=int, default=5, help="in which our networks sample")
    parser.add_argument("--repeats", type=int, default=5, help="training steps that are timed")
    known = settings(1)
    parser.add_argument("--only", nargs="+", choices=[one.name for one in known])
    options = parser.parse_args()
    windows = Windows.read(options.windows)
    print(machine.described("torch", "diffusers") + f", {torch.get_num_threads()} threads\n")
    peaks = {"fp32": peak(torch.float32)}
    if in_hardware("cpu"):
        peaks["bf16"] = peak(torch.bfloat16)
    told = ", ".join(f"{name} {value / 1e9:.0f} GFLOP/s" for name, value in peaks.items())
    speed = bandwidth()
    print(f"Peak of a product of matrices: {told}; of a copy: {speed / 1e9:.0f} GB/s.\n")
    print(
        "| | parameters | GFLOP a sample and step | GB | FLOP a byte | ms | share of peak "
        "| of roofline | GFLOP a member | ms | × |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|", flush=True)
    first: Measured | None = None
    for setting in settings(options.steps):
        if options.only and setting.name not in options.only:
            continue
        found = measured(windows, setting, options.repeats)
        first = first or found
        half = setting.params.optimisation.precision != "fp32" and "bf16" in peaks
        reached = found.step_flops / found.step
        top = peaks["bf16" if half else "fp32"]
        intensity = found.step_flops / found.step_bytes
        print(
            f"| {setting.label} | {found.parameters / 1e6:.1f} M | {found.step_flops / 1e9:.1f} | "
            f"{found.step_bytes / 1e9:.2f} | {intensity:.0f} | {1e3 * found.step:.0f} | "
            f"{reached / top:.0%} | {reached / min(top, intensity * speed):.0%} | "
            f"{found.forecast_flops / 1e9:.0f} | "
            f"{1e3 * found.forecast:.0f} | {found.forecast / first.forecast:.0f} |",
            flush=True,
        )
    ours = settings(options.steps)[0]
    print("\n" + loading(windows, ours) + "\n\n" + where_time_goes(windows, ours))


def measured(windows: Windows, setting: Setting, repeats: int) -> Measured:
    """Figures of a setting, on this machine."""
    size = setting.params.batch_size
    model, steps = learning(windows, setting, size)
    step_flops = flops(lambda: next(steps)) / size
    with Bytes() as moved:
        next(steps)
    seconds = statistics.median(timed(lambda: next(steps)) for _ in range(repeats))

    samples = windows.samples(windows.spread("test", 1))
    short = model.with_steps(min(setting.evaluations, EVALUATIONS_TIMED))
    more = setting.evaluations / short.steps
    half = setting.params.optimisation.precision == "auto" and in_hardware("cpu")

    def once(half: bool = half) -> object:
        leads = model.description.shape.future
        with mock.patch("nephele.network.precision.in_hardware", return_value=half):
            return forecast(short, samples, 1, seed=0, leads=leads)

    # The counter takes products apart, and autocast then loses track of what it has cast.
    forecast_flops = more * flops(lambda: once(half=False))
    once()
    duration = statistics.median(timed(once) for _ in range(3))
    return Measured(
        sum(weights.numel() for weights in model.network.parameters()),
        step_flops,
        moved.count / size,
        seconds / size,
        forecast_flops,
        more * duration,
    )


def learning(
    windows: Windows, setting: Setting, size: int
) -> tuple[TrainedModel, Iterator[object]]:
    """A model, and the steps of its training, which is as long as one likes."""
    given = replace(setting.params, batch_size=size, steps=10**6, shares_every=10**6)
    description = Description.of_teacher(windows, given)
    torch.manual_seed(0)
    network = description.untrained()
    model = TrainedModel(network, description)
    learner = Learner.fresh(network.channels_last(), given.optimisation)
    objective = teacher_objective(given.weights, given.steps)
    return model, train(learner, objective, model.prediction, windows, given)


def where_time_goes(windows: Windows, setting: Setting) -> str:
    """Tables of the operations that take most of a training step, and of a forecast."""
    model, steps = learning(windows, setting, setting.params.batch_size)
    samples = windows.samples(windows.spread("test", 1))
    model = model.with_steps(setting.evaluations)
    leads = model.description.shape.future
    return "\n\n".join(
        [
            profiled("a training step", lambda: next(steps)),
            profiled("a forecast of 4 members", lambda: forecast(model, samples, 4, 0, leads)),
        ]
    )


def profiled(what: str, work: Callable[[], object], rows: int = 10) -> str:
    for _ in range(3):
        work()
    with profile(activities=[ProfilerActivity.CPU]) as found:
        for _ in range(3):
            work()
    total = sum(one.self_cpu_time_total for one in found.key_averages())
    most = sorted(found.key_averages(), key=lambda one: -one.self_cpu_time_total)[:rows]
    lines = [f"| operation | share of {what} | calls |", "|---|---|---|"]
    lines += [
        f"| `{one.key}` | {one.self_cpu_time_total / total:.0%} | {one.count // 3} |"
        for one in most
    ]
    return "\n".join(lines)


def loading(windows: Windows, setting: Setting, repeats: int = 50) -> str:
    """What a batch costs before the network sees it: nothing is loaded ahead."""
    given = setting.params
    chosen = windows.select("train")
    steps = iter(range(repeats))
    seconds = statistics.median(
        timed(lambda: windows.samples(batch(chosen, given.batch_size, 0, next(steps))))
        for _ in range(repeats)
    )
    _, training = learning(windows, setting, given.batch_size)
    next(training)
    step = statistics.median(timed(lambda: next(training)) for _ in range(5))
    return f"A batch is read in {1e3 * seconds:.1f} ms, {seconds / step:.1%} of a training step."


def peak(dtype: torch.dtype, size: int = 2048, repeats: int = 40) -> float:
    """FLOP/s of a product of two matrices."""
    one = torch.randn(size, size).to(dtype)
    one @ one
    return 2 * size**3 / min(timed(lambda: one @ one) for _ in range(repeats))


class Bytes(TorchDispatchMode):
    """Counts what the operations in it read and write; views cost nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        if not func.is_view:
            tensors = (leaf for leaf in tree_leaves((args, out)) if isinstance(leaf, torch.Tensor))
            self.count += sum(tensor.nbytes for tensor in tensors)
        return out


def bandwidth(size: int = 1 << 28, repeats: int = 20) -> float:
    """Bytes a second that a copy reads and writes."""
    one = torch.zeros(size // 4)
    two = torch.empty_like(one)
    return 2 * size / min(timed(lambda: two.copy_(one)) for _ in range(repeats))


def flops(work: Callable[[], object]) -> float:
    with FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops()


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
