"""What a forecast gains with more evaluations of the network, by sampler.

    python benchmarks/evaluations.py --model outputs/distill_student/distilled/model
      [--also FOLDER …] [--evaluations 1 2 4 10 20]

Of the test storms, over all lead times (the network's own and those of the roll-out): fair CRPS
with its interval over storms, spread over error, and the power of single members below 100 km over
the truth's; 1 is best of both. An evaluation is one run of the network for a member's next frames.
`levels` are the noise levels that students of few steps learn at (nephele.learning.few_steps): a
plain network may pass through them too. The folders of --also hold networks that are run as they
say themselves: such as have learnt to forecast in few steps. The seconds are those of a member and
of its scores. Prints a Markdown table.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import machine
import numpy as np

from nephele.evaluation.sampling import ensembles, held_out
from nephele.evaluation.verification import Design, Figure, figure, spectrum_ratios, verify
from nephele.forecasting import trained
from nephele.forecasting.samplers import Sampler
from nephele.forecasting.trained import TrainedModel
from nephele.learning.few_steps import levels
from nephele.windows.tensors import Windows

SAMPLERS: tuple[tuple[Sampler, bool], ...] = (
    ("dpm-solver++", False),
    ("dpm-solver++", True),
    ("euler", True),
    ("ddim", False),
)
SMALL = "below_100_km"
SEED = 4  # of the noise


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--windows", type=Path, default=Path("outputs/regrid/windows.zarr"))
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--also", type=Path, nargs="*", default=[])
    parser.add_argument("--evaluations", type=int, nargs="+", default=[1, 2, 3, 4, 5, 10, 20])
    parser.add_argument("--count", type=int, default=36, help="test windows")
    parser.add_argument("--members", type=int, default=4)
    options = parser.parse_args()
    windows = Windows.read(options.windows)
    chosen = held_out(windows, options.count)
    about = Design(windows.storm[chosen], windows.lead_hours, 1000, SEED)
    print(machine.described("torch", "diffusers"), end="\n\n")
    print(f"{len(chosen)} windows of {about.storm_count} test storms, {options.members} members.\n")
    print("| network | sampler | evaluations | CRPS (K) | spread / error | power | s a member |")
    print("|---|---|---|---|---|---|---|")
    plain = trained.load(options.model)
    given = [(folder.parent.name, trained.load(folder)) for folder in options.also]
    for name, label, model in (
        *((name, model.description.sampler, model) for name, model in given),
        *((plain.kind, *variant) for variant in variants(plain, options.evaluations)),
    ):
        start = time.perf_counter()
        found = verify(ensembles(model, windows, chosen, options.members, SEED))
        seconds = (time.perf_counter() - start) / len(chosen) / options.members
        crps = figure("crps", found.statistics, about.weights())
        skill = figure("spread_skill", found.statistics, about.weights())
        ratios = spectrum_ratios({name: found}, about, model.description.trained_on.cell_km)
        power = ratios[
            ratios.score.str.endswith(SMALL) & (ratios.lead_hours == "mean")
        ].value.item()
        print(
            f"| {name} | {label} | {model.description.steps} | {told(crps, about)} | "
            f"{skill.value[-1]:.2f} | {power:.2f} | {seconds:.2f} |",
            flush=True,
        )


def variants(plain: TrainedModel, evaluations: list[int]) -> Iterator[tuple[str, TrainedModel]]:
    """The network with every sampler and number of evaluations."""
    largest = plain.prediction.largest_sigma
    for sampler, at_levels in SAMPLERS:
        for count in evaluations:
            about = replace(plain.description, sampler=sampler, steps=count)
            if at_levels:
                if count == 1:
                    continue  # one level, whichever they are
                noise = replace(about.noise, smallest=levels(largest, count)[-1])
                about = replace(about, noise=noise)
            yield f"{sampler}{', levels' if at_levels else ''}", replace(plain, description=about)


def told(found: Figure, about: Design) -> str:
    low, high = np.quantile(found.resampled[:, -1], (0.025, 0.975))
    return f"{found.value[-1]:.2f} ({low:.2f} to {high:.2f})"


if __name__ == "__main__":
    main()
