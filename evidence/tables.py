"""Tables of how the networks compare: ladder, ledger, length, ablations, causes.

Every figure is of the mean over the trainings' seeds: statistics of a window are averaged over the
seeds first. Its interval is a bootstrap over storms (nephele.evaluation.bootstrap), so it says how
the figure would differ on other storms; how it differs from training to training is to be
seen in the figures of every seed beside it. All networks forecast the same windows with the same
noise, and networks of one seed are compared with each other, so that gains are paired.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from components.outputs import whole, write_json
from evidence import causes, scored, settings
from evidence.rows import (
    GAIN,
    SHARE,
    UNSEEDED,
    Comparison,
    gain_over,
)
from evidence.settings import EvidenceParams
from nephele.evaluation import scores
from nephele.evaluation.by_window import design_of, statistics_of
from nephele.evaluation.forecasts import CONTROL
from nephele.evaluation.ledger import counts, share
from nephele.evaluation.scores import Statistics
from nephele.evaluation.succession import WINDOW
from nephele.evaluation.verification import Design, Figure, figure, rounded, rows
from nephele.pictures.headlines import Estimate, number
from nephele.pictures.labels import data_note

SCORES = {"crps": "CRPS (K)", "rmse": "RMSE (K)", "spread_skill": "spread / error"}
MEAN = "mean"  # in the place of a seed; in that of a lead time, too

BySeed = Mapping[int, Statistics]


def compared(comparison: Comparison, found: Mapping[str, BySeed], design: Design) -> pd.DataFrame:
    """Scores, gains in CRPS and shares of a comparison, of the mean over seeds and of every seed.

    Args:
        found: forecast → seed → statistics, each (window, lead); all have the same seeds.

    Returns:
        The columns of `verification.table`, and `seed`: a number, or `mean`.
    """
    means = {name: _mean(list(trainings.values())) for name, trainings in found.items()}
    parts = [_compared(comparison, means, design).assign(seed=MEAN)]
    for seed in next(iter(found.values())):
        chosen = {name: trainings[seed] for name, trainings in found.items()}
        parts.append(_compared(comparison, chosen, design).assign(seed=str(seed)))
    return pd.concat(parts, ignore_index=True)


def _mean(trainings: Sequence[Statistics]) -> Statistics:
    return {name: np.mean([one[name] for one in trainings], axis=0) for name in trainings[0]}


def _compared(
    comparison: Comparison, found: Mapping[str, Statistics], design: Design
) -> pd.DataFrame:
    weights, parts = design.weights(), []
    crps = {row.forecast: figure("crps", found[row.forecast], weights) for row in comparison.rows}
    gains: dict[str, Figure] = {}
    for name, _, over in comparison.rows:
        for score in SCORES:
            if score in scores.available(found[name]):
                parts.append(rows(score, name, figure(score, found[name], weights), design))
        if over is not None:
            gains[name] = crps[over].less(crps[name])
            parts.append(rows(GAIN, name, gains[name], design))
        if comparison.beside is not None and name != comparison.beside:
            beside = crps[comparison.beside].less(crps[name])
            parts.append(rows(gain_over(comparison.beside), name, beside, design))
    if comparison.whole is not None:
        base = {row.forecast: row.over for row in comparison.rows}
        bound = gains[comparison.whole]
        parts += [
            rows(SHARE, name, share(gain, bound, design), design)
            for name, gain in gains.items()
            if base[name] == base[comparison.whole] and name != comparison.whole
        ]
    return pd.concat(parts, ignore_index=True)


def nested(found: pd.DataFrame) -> dict:
    """Score → forecast → lead time, `mean`, its interval, and the mean of every seed; for JSON."""
    values: dict = {}
    for (score, forecast), part in found.groupby(["score", "forecast"], sort=False):
        means = part[part.lead_hours == MEAN].set_index("seed")
        leads = part[part.seed == MEAN].set_index("lead_hours").value
        values.setdefault(score, {})[forecast] = {
            **{str(lead): rounded(float(value)) for lead, value in leads.items()},
            "low": rounded(float(means.low[MEAN])),
            "high": rounded(float(means.high[MEAN])),
            "seeds": {
                str(seed): rounded(float(value))
                for seed, value in means.value.items()
                if seed != MEAN
            },
        }
    return values


def markdown(
    tables: Mapping[Comparison, pd.DataFrame],
    effects: causes.BySeed,
    note: str,
    about: Design,
) -> str:
    """All tables as a page.

    Args:
        effects: none where no table of causes is wanted.
        note: what the reader must know of the data, as SYNTHETIC.
    """
    lines = [
        "# Tables of the evidence",
        "",
        "Made by `make evidence`; [evidence.md](../evidence.md) says what they mean. "
        f"{note + ': ' if note else ''}{len(about.storms)} windows of {about.storm_count} test "
        "storms. Figures are means over seeds and lead times, in brackets their 95 % intervals "
        "over storms, after the semicolon the figures of every seed. Gains whose interval excludes "
        "zero are bold.",
    ]
    for comparison, found in tables.items():
        seeds = ", ".join(seed for seed in dict.fromkeys(found.seed) if seed != MEAN)
        text = f"{comparison.text} Seeds of the trainings: {seeds}."
        lines += ["", f"## {comparison.title}", "", text, ""]
        lines += _means(comparison, found)
        for score in comparison.by_lead:
            lines += ["", f"By lead time (h): {_titles(comparison)[score]}", ""]
            lines += _by_lead(comparison, found[found.score == score])
    if effects:
        lines += ["", *causes.markdown(effects)]
    return "\n".join([*lines, ""])


def _titles(comparison: Comparison) -> dict[str, str]:
    """The columns of a table."""
    titles = {**SCORES, GAIN: "gain in CRPS (K)"}
    if comparison.beside is not None:
        labels = {row.forecast: row.label for row in comparison.rows}
        titles[gain_over(comparison.beside)] = f"gain over the {labels[comparison.beside]} (K)"
    if comparison.whole is not None:
        titles[SHARE] = comparison.share
    return titles


def _means(comparison: Comparison, found: pd.DataFrame) -> list[str]:
    columns = _titles(comparison)
    lines = [f"| | {' | '.join(columns.values())} |", f"|{'---|' * (len(columns) + 1)}"]
    means = found[found.lead_hours == MEAN]
    for row in comparison.rows:
        part = means[means.forecast == row.forecast]
        cells = [_cell(part[part.score == score], score) for score in columns]
        lines.append(f"| {row.label} | {' | '.join(cells)} |")
    return lines


def _cell(part: pd.DataFrame, score: str) -> str:
    """`0.31 (0.12 to 0.48); 0.28, 0.30, 0.35`."""
    if part.empty:
        return ""
    by_seed = part.set_index("seed")
    estimate = Estimate(*by_seed.loc[MEAN, ["value", "low", "high"]].astype(float))
    told = _figure(estimate, bold=score.startswith(GAIN))
    if estimate.has_interval:
        told += f" ({number(estimate.low)} to {number(estimate.high)})"
    if set(part.forecast) <= set(UNSEEDED) or not by_seed.value.notna().any():
        return told
    return f"{told}; {', '.join(number(value) for value in by_seed.value.drop(MEAN))}"


def _by_lead(comparison: Comparison, found: pd.DataFrame) -> list[str]:
    leads = [lead for lead in dict.fromkeys(found.lead_hours) if lead != MEAN]
    means = found[found.seed == MEAN].set_index(["forecast", "lead_hours"])
    lines = [f"| | {' | '.join(leads)} |", f"|{'---|' * (len(leads) + 1)}"]
    for name, label, _ in comparison.rows:
        if name in means.index.get_level_values("forecast"):
            estimates = (
                Estimate(*means.loc[(name, lead), ["value", "low", "high"]].astype(float))
                for lead in leads
            )
            bold = all(score.startswith(GAIN) for score in found.score)
            cells = " | ".join(_figure(estimate, bold) for estimate in estimates)
            lines.append(f"| {label} | {cells} |")
    return lines


def _figure(estimate: Estimate, bold: bool) -> str:
    told = number(estimate.value)
    return f"**{told}**" if bold and estimate.sign else told


def read(
    folder: Path, comparisons: Mapping[Comparison, Sequence[int]], example: pd.DataFrame
) -> Mapping[Comparison, Mapping[str, BySeed]]:
    """The statistics of every comparison with its seeds.

    Args:
        example: the scores of a forecast, whose windows all others must have.

    Raises:
        ValueError: a table is missing, or is of other windows.
    """
    found: dict[Comparison, dict[str, dict[int, Statistics]]] = {}
    for comparison, seeds in comparisons.items():
        for seed in seeds:
            names = [row.forecast for row in comparison.rows]
            table = pd.concat([scored.read(folder, seed, name) for name in names])
            _same_windows(example, table, f"{comparison.name} of seed {seed}")
            for name, statistics in statistics_of(table).items():
                found.setdefault(comparison, {}).setdefault(name, {})[seed] = statistics
    return found


def _same_windows(first: pd.DataFrame, other: pd.DataFrame, name: str) -> None:
    keys = [*WINDOW, "lead_hours"]
    one, two = (set(map(tuple, table[keys].to_numpy())) for table in (first, other))
    if one != two:
        raise ValueError(
            f"the tables of the {name} are of other windows; run `make evidence` once more"
        )


def _names(asked: EvidenceParams, names: Sequence[str] | None) -> Sequence[str]:
    known = [*(one.name for one in asked.wanted), causes.NAME]
    if unknown := sorted(set(names or ()) - set(known)):
        raise ValueError(f"no table is called {unknown[0]}, expected {', '.join(known)}")
    return names or known


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for flag in ("--params", "--windows", "--scores", "--tables", "--metrics"):
        parser.add_argument(flag, required=True)
    parser.add_argument("--only", nargs="+", help="names of the tables to make; else all")
    given = parser.parse_args()
    try:
        asked = settings.read(given.params)
        names = _names(asked, given.only)
        wanted = {one: seeds for one, seeds in asked.wanted.items() if one.name in names}
        effects = causes.read(Path(given.scores), asked.seeds) if causes.NAME in names else {}
        example = scored.read(Path(given.scores), asked.seeds[0], CONTROL)
        found = read(Path(given.scores), wanted, example)
        design = design_of(example, asked.verify.resamples, asked.verify.seed)
        tables = {one: compared(one, found[one], design) for one in wanted}
        with xr.open_zarr(given.windows) as windows:
            page = markdown(tables, effects, data_note(windows.attrs), design)
        with whole(Path(given.tables)) as partial:
            partial.write_text(page)
        figures = {one.name: nested(table) for one, table in tables.items()}
        if effects:
            figures[causes.NAME] = causes.figures(effects)
        write_json(Path(given.metrics), {**figures, "counts": counts(design, asked.verify.members)})
    except (ValueError, OSError) as error:
        sys.exit(f"evidence.tables: {error}")


if __name__ == "__main__":
    main()
