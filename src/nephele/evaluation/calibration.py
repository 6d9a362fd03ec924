"""Does the ensemble know how wrong it is? Its spread against its error, and its ranks.

The number of sampling steps, which sets the spread, is chosen on validation storms; what is
found here, on test storms, changes nothing.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from nephele.evaluation.bootstrap import interval
from nephele.evaluation.verification import Design, Verified, figure, rounded, with_mean

WANTED = (0.8, 1.2)  # of the spread-skill ratio
TAIL = 95  # per cent of perfect ensembles whose ranks are flatter


def calibration(verified: Mapping[str, Verified], design: Design) -> dict:
    """Forecast → lead time, and `mean` → what can be said of the spread and the ranks.

    - `spread_skill` with its interval `low` to `high`, whether it lies `within` `WANTED`, whether
      the interval lies on the same side (`sure`), and a `statement` of it in words;
    - `reliability_index` of the rank histogram, and of a perfect ensemble its mean
      (`perfect`) and the value that 95 % of perfect ones do not exceed (`perfect_most`).
    """
    weights = design.weights()
    found = {}
    for name, known in verified.items():
        if known.ranks is None or known.exchanged is None:
            continue
        ratio = figure("spread_skill", known.statistics, weights)
        index = with_mean(reliability_index(known.ranks))
        perfect = perfect_indices(known.exchanged, design.resamples, design.seed)
        low, high = interval(ratio.resampled, design.storm_count)
        table = pd.DataFrame(
            {
                "spread_skill": ratio.value,
                "low": low,
                "high": high,
                "reliability_index": index,
                "perfect": perfect.mean(axis=0),
                "perfect_most": np.percentile(perfect, TAIL, axis=0),
            },
            index=design.leads,
        )
        found[name] = {
            str(lead): {str(key): rounded(value) for key, value in row.items()}
            | _said(row["spread_skill"], row["low"], row["high"])
            for lead, row in table.to_dict("index").items()
        }
    return found


def reliability_index(ranks: np.ndarray) -> np.ndarray:
    """How far a rank histogram is from flat: Σ |frequency − 1 / ranks|, of the last axis.

    Zero is flat; 2 − 2 / ranks is the most, when the truth always has the same rank
    (Delle Monache et al. 2006, doi:10.1029/2005JD006917).
    """
    return np.abs(ranks - 1 / ranks.shape[-1]).sum(axis=-1)


def perfect_indices(exchanged: np.ndarray, draws: int, seed: int) -> np.ndarray:
    """The reliability index that a perfect ensemble would have, by simulation.

    No histogram of finitely many windows is flat, the less so as neighbouring pixels share
    their ranks. In a perfect ensemble the truth cannot be told from a member. So in each draw a
    member of each window, chosen at random among members and truth, plays the truth. Windows of
    one storm overlap, and their truths more than their members: the value is rather too low.

    Args:
        exchanged: see `Verified`.

    Returns:
        (draw, lead + 1), the mean over the lead times last.
    """
    windows, _, players, _ = exchanged.shape
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(draws):
        playing = generator.integers(players, size=windows)
        ranks = exchanged[np.arange(windows), :, playing].mean(axis=0)
        found.append(with_mean(reliability_index(ranks)))
    return np.stack(found)


def _said(ratio: float, low: float, high: float) -> dict:
    least, most = WANTED
    within = bool(least <= ratio <= most)
    if within:
        statement, sure = f"within {least} to {most}", low >= least and high <= most
    else:
        word = "too narrow" if ratio < least else "too wide"
        statement, sure = f"{word}: outside {least} to {most}", high < least or low > most
    # Without an interval, too, nothing vouches for other storms.
    told = statement if sure else f"{statement}, but not surely"
    return {"within": within, "sure": bool(sure), "statement": told}
