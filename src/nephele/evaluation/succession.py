"""May a new model take the place of the present one? Only if it is better by more than noise.

Both were verified before, each on its own test windows. Where the windows were scored against the
same frames, the scores pair: the difference within a pair is free of how hard the window is.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from nephele.evaluation.bootstrap import FEWEST_STORMS, LEVEL, interval, storm_weights

WINDOW = ["storm", "init_time"]
KEYS = [*WINDOW, "lead_hours", "truth"]  # of a table of CRPS by window
# The rule must not depend on a run's parameters.
RESAMPLES, SEED = 10_000, 0


@dataclass(frozen=True)
class Succession:
    """Whether the challenger takes the champion's place, and why or why not.

    Attributes:
        sentence: with the figures, for whoever asks why.
        gain: champion's CRPS − challenger's, K, mean over lead times and common windows; with
            its interval `low` to `high` over storms. NaN where there is nothing to compare.
    """

    moves: bool
    sentence: str
    gain: float = np.nan
    low: float = np.nan
    high: float = np.nan


def succession(challenger: pd.DataFrame, champion: pd.DataFrame, forecast: str) -> Succession:
    """Compare two models by their fair CRPS, paired by window, their storms as clusters.

    The challenger succeeds if the 95 % interval of champion − challenger lies above zero.

    Args:
        challenger: a row a test window and lead time: `KEYS`, and a column `forecast` with its
            CRPS, K, as `by_window.crps_by_window` makes it.
        champion: the same of the present one, whose test windows may be others.

    Raises:
        ValueError: a table lacks a column, or has a window twice.
    """
    new, old = _checked(challenger, forecast), _checked(champion, forecast)
    leads, known = (sorted(set(table.lead_hours)) for table in (new, old))
    if leads != known:
        return _stays(
            f"its lead times, {_hours(leads)}, are not the champion's, {_hours(known)}; verify "
            "both on windows of the same lead times"
        )
    pairs = new.merge(old, on=KEYS, suffixes=("_new", "_old"))
    # A window counts with all its lead times or not at all: CRPS grows with lead time.
    pairs = pairs[pairs.groupby(WINDOW).lead_hours.transform("size") == len(leads)]
    storms = pairs.storm.nunique()
    if storms < FEWEST_STORMS:
        return _stays(_too_few(new, old, storms))
    windows = pairs.groupby(WINDOW)[["crps_new", "crps_old"]].mean().reset_index()
    undefined = pairs[pairs.isna().any(axis=1)].groupby(WINDOW).ngroups
    if undefined:
        return _stays(
            f"the CRPS of one of them is not defined in {undefined} of {len(windows)} common "
            "windows; look for NaN in their forecasts"
        )
    return _compared(windows, storms)


def _compared(windows: pd.DataFrame, storms: int) -> Succession:
    new, old = windows.crps_new.to_numpy(), windows.crps_old.to_numpy()
    weights = storm_weights(windows.storm.to_numpy(), RESAMPLES, SEED)
    gains = (weights @ (old - new)) / weights.sum(axis=1)
    low, high = map(float, interval(gains, storms))
    gain = float((old - new).mean())
    figures = (
        f"CRPS {new.mean():.3f} K against the champion's {old.mean():.3f} K, a gain of "
        f"{_signed(gain)} K ({100 * LEVEL:.0f} % interval {_signed(low)} to {_signed(high)} K) in "
        f"{len(windows)} windows of {storms} storms that both were tested on"
    )
    if low > 0:
        return Succession(True, f"better by more than noise: {figures}", gain, low, high)
    why = "worse" if high < 0 else "not better by more than noise"
    return Succession(False, f"{why}: {figures}", gain, low, high)


def _stays(why: str) -> Succession:
    return Succession(False, f"not comparable: {why}")


def _too_few(new: pd.DataFrame, old: pd.DataFrame, storms: int) -> str:
    common = len(set(new.storm) & set(old.storm))
    have = (
        f"{new.storm.nunique()} test storms against the champion's {old.storm.nunique()}, "
        f"{common} of the same name, {storms} with windows scored on the same frames"
    )
    return f"{have}; expected at least {FEWEST_STORMS}: verify the champion on these windows"


def _checked(table: pd.DataFrame, forecast: str) -> pd.DataFrame:
    missing = [name for name in (*KEYS, forecast) if name not in table]
    if missing:
        raise ValueError(
            f"no column {', '.join(missing)} among {', '.join(map(str, table))}; expected CRPS by "
            "window as the stage verify writes it"
        )
    if table.duplicated(KEYS).any():
        raise ValueError("a window stands twice in the table of CRPS by window")
    # Names of storms may be numbers, and frames may be known by numbers: here they are names.
    texts = dict.fromkeys(["storm", "init_time", "truth"], str)
    return table[[*KEYS, forecast]].rename(columns={forecast: "crps"}).astype(texts)


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "\N{MINUS SIGN}")


def _hours(leads: list) -> str:
    return ", ".join(f"{lead:g}" for lead in leads) + " h"
