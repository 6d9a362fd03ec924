"""Forecast the test windows with one network, and keep what scores are made of, by window.

All networks forecast the same windows with the same noise, so that their tables compare pairwise.
"""

import argparse
import sys
from pathlib import Path

import pandas as pd

from evidence import scored, settings
from nephele.evaluation.by_window import statistics_by_window
from nephele.evaluation.interventions import strangers
from nephele.evaluation.sampling import ensembles, held_out
from nephele.evaluation.verification import verify
from nephele.forecasting import trained
from nephele.forecasting.trained import TrainedModel
from nephele.params import VerifyParams
from nephele.windows.tensors import Windows


def run(
    windows: Windows, model: TrainedModel, name: str, shuffled: bool, params: VerifyParams
) -> pd.DataFrame:
    """Statistics of the forecasts of `model`, which the table calls `name`.

    Args:
        shuffled: every window gets the ERA5 of one of another storm.
    """
    chosen = held_out(windows, params.windows)
    partners = chosen[strangers(windows.storm[chosen], params.seed)] if shuffled else None
    found = ensembles(model, windows, chosen, params.members, params.seed, partners)
    return statistics_by_window(windows, chosen, {name: verify(found)})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for flag in ("--params", "--windows", "--model", "--forecast", "--scores"):
        parser.add_argument(flag, required=True)
    parser.add_argument("--shuffled", action="store_true", help="with the ERA5 of other storms")
    given = parser.parse_args()
    try:
        table = run(
            Windows.read(Path(given.windows)),
            trained.load(Path(given.model)),
            given.forecast,
            given.shuffled,
            settings.read(given.params).verify,
        )
        scored.write(table, Path(given.scores))
    except (ValueError, OSError) as error:
        sys.exit(f"evidence.score: {error}")


if __name__ == "__main__":
    main()
