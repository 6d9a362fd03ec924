"""Causes: what intervention on the trained teachers shows of them, beside the world's own truth."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from components.export_causal_matrix.result import CLIMATOLOGY, HEAD, INITIAL, TRUTH
from nephele.pictures.headlines import number

NAME = "causes"
TITLE = "Causes: what the teachers do with each variable, and what the world does"
TEXT = (
    "Mean change of the frames over lead times without a variable: in the world that runs again "
    "without it from the initial time on (truth), and in the forecast of a teacher that is given "
    "its climatology at the initial time. Rank correlations are with the truth, over 20 entries: "
    "four variables and five lead times; in brackets their 95 % intervals over storms."
)
AGREEMENT = {  # of which matrices it is told
    INITIAL: "at the initial time",
    CLIMATOLOGY: "over the whole history",
    HEAD: "of the learned head",
}

BySeed = Mapping[int, dict]


def read(folder: Path, seeds: Sequence[int]) -> BySeed:
    """The metrics of every teacher's causal effect matrices.

    Raises:
        ValueError: a file is missing.
    """
    return {seed: _read(folder / f"{seed}/causes.json") for seed in seeds}


def _read(path: Path) -> dict:
    if not path.is_file():
        raise ValueError(f"no file {path}; `make evidence` makes all of them")
    return json.loads(path.read_text())


def figures(found: BySeed) -> dict:
    """Seed → what agrees how well with the truth, and mean effects; for JSON."""
    parts = ("rank_correlation", INITIAL)
    return {str(seed): {part: metrics[part] for part in parts} for seed, metrics in found.items()}


def markdown(found: BySeed) -> list[str]:
    """The table as lines of a page; a row a training, and one for the truth."""
    truth = next(iter(found.values()))[TRUTH]
    columns = [f"rank correlation, {name}" for name in AGREEMENT.values()]
    columns += [f"{variable} (K)" for variable in truth]
    rows = [["truth", *[""] * len(AGREEMENT), *map(number, truth.values())]]
    for seed, metrics in found.items():
        agreement = (_interval(metrics["rank_correlation"][matrix]) for matrix in AGREEMENT)
        effects = (number(metrics[INITIAL][variable]) for variable in truth)
        rows.append([f"teacher, seed {seed}", *agreement, *effects])
    return [
        f"## {TITLE}",
        "",
        TEXT,
        "",
        f"| | {' | '.join(columns)} |",
        f"|{'---|' * (len(columns) + 1)}",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]


def _interval(found: Mapping[str, float | None]) -> str:
    parts = (found[part] for part in ("value", "low", "high"))
    value, low, high = (number(math.nan if part is None else part) for part in parts)
    return f"{value} ({low} to {high})"
