"""How forecasts differ, pair by pair: what may be said of one against another, and what may not.

All forecasts have the same windows and the same resamples of the storms, so a difference is
paired: the difficulty of a storm is in both scores and drops out. A difference whose interval
includes zero is no evidence of one, and nobody should write that a forecast is better.

Every interval of a table misses in five of a hundred cases, and a table has many. What is
claimed of a run is therefore one figure, named beforehand (`ledger.SHARE`, in the mean over lead
times); the others show where it comes from.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from nephele.evaluation.forecasts import (
    CONTROL,
    OPTICAL_FLOW,
    PERSISTENCE,
    SHUFFLED,
    STUDENT,
    TEACHER,
)
from nephele.evaluation.scores import Statistics
from nephele.evaluation.verification import Design, figure, rows

COLUMNS = [
    *("score", "forecast", "against", "lead_hours"),
    *("value", "low", "high", "verdict", "storms", "windows"),
]
BETTER, WORSE, NO_EVIDENCE = "better", "worse", "no evidence"
SCORES = ("crps", "rmse")  # K, less is better
NETWORKS = (TEACHER, STUDENT, CONTROL)
BASELINES = (PERSISTENCE, OPTICAL_FLOW)
PAIRS = (  # a forecast, and what it is compared with
    (TEACHER, CONTROL),
    (STUDENT, CONTROL),
    (STUDENT, TEACHER),
    (SHUFFLED, TEACHER),
    (SHUFFLED, CONTROL),
    *((network, simple) for simple in BASELINES for network in NETWORKS),
    (OPTICAL_FLOW, PERSISTENCE),
)


def differences(
    forecasts: Mapping[str, Statistics],
    design: Design,
    pairs: Sequence[tuple[str, str]] = PAIRS,
) -> pd.DataFrame:
    """Scores of one forecast less those of another, paired, with intervals over storms.

    Args:
        forecasts: statistics of each forecast, each (window, lead).
        pairs: which are compared; those that are not there are left out.

    Returns:
        A row a score, pair and lead time (and their mean). `value` is the score of `forecast` less
        that of `against`, K: below zero, `forecast` is better. `verdict` is `better` or `worse`
        where the interval excludes zero, and else, or without an interval, `no evidence`.
    """
    weights = design.weights()
    parts = []
    for score in SCORES:
        known = {name: figure(score, found, weights) for name, found in forecasts.items()}
        parts += [
            rows(score, name, known[name].less(known[other]), design).assign(against=other)
            for name, other in pairs
            if name in known and other in known
        ]
    found = pd.concat(parts, ignore_index=True)
    return found.assign(verdict=verdicts(found.low, found.high))[COLUMNS]


def verdicts(low: pd.Series, high: pd.Series) -> np.ndarray:
    """What the intervals of differences allow one to say, where less is better."""
    return np.select([high < 0, low > 0], [BETTER, WORSE], NO_EVIDENCE)
