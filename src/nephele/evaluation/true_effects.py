"""The truth of the synthetic world for the very windows in which a teacher's forecasts changed.

Each window's storm is run again with the same chance, one variable moved towards its climatology
from the initial time on, and seen on the windows' own grid. There is no such truth for real data.
"""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context

import numpy as np

from nephele.evaluation.sampling import truth
from nephele.fields import grid
from nephele.fields.variables import PLACEBO
from nephele.regridding import conservative
from nephele.windows.tensors import Windows
from nephele.world import archive, clouds
from nephele.world.anomalies import Intervention
from nephele.world.drivers import STEP_HOURS
from nephele.world.effects import run_again
from nephele.world.simulation import times

WORLD_SEED = "world_seed"  # attribute of windows that come from the synthetic world
SAME = 0.3  # K; the archive's whole fifths of a kelvin make less than a tenth of one


@dataclass(frozen=True)
class Plan:
    """What to find out in each window.

    Attributes:
        seed: of the world.
        steps: of the simulation from the initial time to each lead time.
        variables: to be replaced, one at a time.
        doses: how far of the way to the climatology.
        points: cell centres of the windows' grid along either axis, m.
    """

    seed: int
    steps: np.ndarray
    variables: tuple[str, ...]
    doses: tuple[float, ...]
    points: np.ndarray


def changes(
    windows: Windows, chosen: np.ndarray, doses: Sequence[float], workers: int = 1
) -> dict[float, np.ndarray]:
    """By dose, the mean over pixels of the squared true change, K², (window, variable, lead).

    Nothing where there is no truth: the data are not the synthetic world's. The placebo's truth is
    zero by construction, since it is no part of the world; it is not run.

    Args:
        workers: processes to share the windows; the figures do not depend on it.

    Raises:
        ValueError: the frames are not those of the world of today.
    """
    if WORLD_SEED not in windows.attributes:
        return {}
    real = [row for row, name in enumerate(windows.variables) if name != PLACEBO]
    plan = Plan(
        int(windows.attributes[WORLD_SEED]),
        np.rint(np.array(windows.lead_hours[: windows.future]) / STEP_HOURS).astype(int),
        tuple(windows.variables[row] for row in real),
        tuple(doses),
        grid.centres(windows.size, 1e3 * float(windows.attributes["cell_km"])),
    )
    squared = np.zeros((len(doses), len(chosen), len(windows.variables), len(plan.steps)))
    ran = _run(plan, windows.storm[chosen].tolist(), windows.init_time[chosen], workers)
    for place, (original, change) in enumerate(ran):
        observed = truth(windows, windows.samples(chosen[[place]]))[0]
        _check_same(windows.storm[chosen[place]], original, observed[: windows.future])
        squared[:, place, real] = change
    return dict(zip(doses, squared, strict=True))


def _run(
    plan: Plan, storms: Sequence[str], starts: np.ndarray, workers: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    run = partial(_window, plan)
    if workers == 1:
        return list(map(run, storms, starts))
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return list(pool.map(run, storms, starts))


def _window(plan: Plan, name: str, start: np.datetime64) -> tuple[np.ndarray, np.ndarray]:
    """The frames as they were, K, (lead, y, x), and the squared change, (dose, variable, lead)."""
    number = archive.storm_number(name)
    first = times(plan.seed, number, 1)[0]
    since = round(float((start - first) / np.timedelta64(1, "h")) / STEP_HOURS)
    asked = [
        {variable: Intervention(since, towards=dose)}
        for dose in plan.doses
        for variable in plan.variables
    ]
    native = grid.centres(clouds.SIZE, clouds.CELL)
    weights = conservative.overlaps(native, native, plan.points, f"the world's storm {name}")

    def seen(frames: np.ndarray) -> np.ndarray:
        return conservative.regrid(weights, frames)[0]

    original, change = run_again(plan.seed, number, since, plan.steps, asked, seen)
    squared = (change**2).mean(axis=(-2, -1))
    return original, squared.reshape(len(plan.doses), len(plan.variables), -1)


def _check_same(name: str, simulated: np.ndarray, observed: np.ndarray) -> None:
    off = float(np.sqrt(np.mean((simulated - observed) ** 2)))
    if off > SAME:
        raise ValueError(
            f"{name}: the synthetic world runs {off:.2g} K off the frames of the windows, expected "
            f"less than {SAME} K: they come from another version of it; run acquire again"
        )
