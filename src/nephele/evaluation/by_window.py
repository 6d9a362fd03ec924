"""Every forecast, window by window: what a later model, or other trainings, are compared with.

Two tables of the same windows. The wide one has a forecast's CRPS beside the others', pair by
pair; the long one has the statistics that scores are made of, so that a score, a difference or
a bootstrap over storms can be had from tables alone, those of several trainings among them:

    table = statistics_by_window(windows, chosen, {"student": verify(...), ...})
    table.to_csv(path, index=False)
    …
    table = pd.read_csv(path, dtype=TEXTS)
    found, design = statistics_of(table), design_of(table, resamples, seed)
    scores.score("rmse", found["student"], design.weights())
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from nephele.evaluation.sampling import truth
from nephele.evaluation.scores import Statistics
from nephele.evaluation.succession import KEYS, WINDOW
from nephele.evaluation.verification import Design, Verified
from nephele.windows.tensors import Windows

# Of CRPS, of RMSE and of the spread-skill ratio, which needs the last two.
KEPT = ("crps", "squared_error", "variance")
LONG = ["forecast", *WINDOW, "lead_hours", "statistic", "value"]
TEXTS = dict.fromkeys(WINDOW, str)  # names of storms may look like numbers


def crps_by_window(
    windows: Windows, chosen: np.ndarray, verified: Mapping[str, Verified]
) -> pd.DataFrame:
    """Fair CRPS, K: a row a window and lead time, a column a forecast.

    Args:
        chosen: the windows that `verified` is about, in their order.

    Returns:
        Columns storm, init_time, lead_hours, truth, then the forecasts. `truth` is the mean of
        the frame that was to be forecast, K, to a hundredth: rows of two tables that share all
        four were scored against the same frame, whatever simulation or archive it is of.
    """
    frames = truth(windows, windows.samples(chosen))
    table = _windows_and_leads(windows, chosen).assign(
        truth=frames.mean(axis=(-2, -1), dtype=np.float64).round(2).ravel()
    )[KEYS]
    return table.assign(**{name: v.statistics["crps"].ravel() for name, v in verified.items()})


def statistics_by_window(
    windows: Windows,
    chosen: np.ndarray,
    verified: Mapping[str, Verified],
    kept: Sequence[str] = KEPT,
) -> pd.DataFrame:
    """Statistics of each window and lead time: a row a forecast, window, lead time and statistic.

    Args:
        chosen: the windows that `verified` is about, in their order.
        kept: names of `scores.statistics`; a single forecast has no variance, and no rows of it.

    Returns:
        Columns forecast, storm, init_time, lead_hours, statistic, value: K for `crps`, K² for
        `squared_error` (of the ensemble's mean) and for `variance` (unbiased, times (M+1)/M, so
        that it equals the squared error of a perfect ensemble of M members).
    """
    places = _windows_and_leads(windows, chosen)
    parts = [
        places.assign(forecast=forecast, statistic=name, value=found.statistics[name].ravel())
        for forecast, found in verified.items()
        for name in kept
        if name in found.statistics
    ]
    return pd.concat(parts, ignore_index=True)[LONG]


def statistics_of(table: pd.DataFrame) -> dict[str, Statistics]:
    """The way back from `statistics_by_window`: forecast → statistic → (window, lead).

    The windows are in the order of their storms and times, alike for all forecasts.

    Raises:
        ValueError: a row is there twice, or a forecast lacks windows that another has.
    """
    rows = ["forecast", "statistic", *WINDOW]
    if table.duplicated([*rows, "lead_hours"]).any():
        raise ValueError(
            "a statistic of a window stands twice in the table; expected one training's rows"
        )
    wide = table.pivot(index=rows, columns="lead_hours", values="value")
    known = table[WINDOW].drop_duplicates()
    found: dict[str, dict[str, np.ndarray]] = {}
    for (forecast, name), part in wide.groupby(level=["forecast", "statistic"], sort=False):
        if len(part) < len(known):
            raise ValueError(
                f"{forecast} has {name} of {len(part)} windows, other forecasts have {len(known)}; "
                "verify all of them on the same windows"
            )
        found.setdefault(str(forecast), {})[str(name)] = part.to_numpy(float)
    return dict(found)


def design_of(table: pd.DataFrame, resamples: int, seed: int) -> Design:
    """Whose windows they are: the design for the statistics of `statistics_of`."""
    known = table[WINDOW].drop_duplicates().sort_values(WINDOW)
    leads = tuple(map(int, sorted(table.lead_hours.unique())))
    return Design(known.storm.to_numpy(), leads, resamples, seed)


def _windows_and_leads(windows: Windows, chosen: np.ndarray) -> pd.DataFrame:
    """Storm, time and lead time: a row each of what is scored, lead times fastest."""
    leads = len(windows.lead_hours)
    times = np.datetime_as_string(windows.init_time[chosen], unit="m")
    return pd.DataFrame(
        {
            "storm": np.repeat(windows.storm[chosen].astype(str), leads),
            "init_time": np.repeat(times, leads),
            "lead_hours": np.tile(windows.lead_hours, len(chosen)),
        }
    )
