from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from known_windows import make_windows

from nephele.evaluation import scores
from nephele.evaluation.by_window import (
    LONG,
    TEXTS,
    crps_by_window,
    design_of,
    statistics_by_window,
    statistics_of,
)
from nephele.evaluation.sampling import baseline
from nephele.evaluation.succession import KEYS
from nephele.evaluation.verification import Design, verify


def still(history, leads):
    """The last frame, kept."""
    return np.repeat(history[:, None, -1:], leads, axis=2)


@pytest.fixture(scope="module")
def tiny_windows():
    return make_windows()


@pytest.fixture
def chosen(tiny_windows):
    return tiny_windows.spread("test", 6)


def table(windows, chosen):
    return crps_by_window(windows, chosen, {"still": verify(baseline(windows, chosen, still))})


def test_each_row_is_the_score_of_its_window_and_lead_time(tiny_windows, chosen):
    found = table(tiny_windows, chosen)
    assert list(found.columns) == [*KEYS, "still"]
    for place, (forecast, observed) in enumerate(baseline(tiny_windows, chosen, still)):
        own = found[place * 8 : place * 8 + 8]
        assert set(own.storm) == {tiny_windows.storm[chosen[place]]}
        assert list(own.lead_hours) == list(tiny_windows.lead_hours)
        assert own.still.to_numpy() == pytest.approx(scores.statistics(forecast, observed)["crps"])


def test_truth_tells_the_same_frames_from_others_of_the_same_name(tiny_windows, chosen):
    found = table(tiny_windows, chosen)
    hair = replace(tiny_windows, frames=tiny_windows.frames * (1 + 1e-7))
    other = replace(tiny_windows, frames=tiny_windows.frames + 0.1)
    assert (table(other, chosen).truth != found.truth).all()
    assert (table(hair, chosen).truth == found.truth).mean() > 0.95


def wobbling(history, leads):
    """An ensemble of two: the last frame, a little warmer and a little colder."""
    return still(history, leads) + np.array([-2.0, 3.0])[:, None, None, None]


@pytest.fixture
def verified(tiny_windows, chosen):
    rules = {"still": still, "wobbling": wobbling}
    return {name: verify(baseline(tiny_windows, chosen, rule)) for name, rule in rules.items()}


def test_scores_are_the_same_from_the_table_that_was_written_and_read_again(
    tiny_windows, chosen, verified, tmp_path
):
    table = statistics_by_window(tiny_windows, chosen, verified)
    assert list(table.columns) == LONG
    table.sample(frac=1, random_state=0).to_csv(tmp_path / "table.csv", index=False)
    table = pd.read_csv(tmp_path / "table.csv", dtype=TEXTS)

    found, design = statistics_of(table), design_of(table, 50, 3)
    expected = Design(tiny_windows.storm[chosen], tiny_windows.lead_hours, 50, 3)
    assert design.lead_hours == expected.lead_hours
    for forecast, name in [("still", "rmse"), ("wobbling", "crps"), ("wobbling", "spread_skill")]:
        whole = verified[forecast].statistics
        assert scores.score(name, found[forecast]) == pytest.approx(scores.score(name, whole))
        # The windows of one storm keep together: so do the resamples of the storms.
        resampled = scores.score(name, found[forecast], design.weights())
        assert resampled == pytest.approx(scores.score(name, whole, expected.weights()))
    assert "variance" not in found["still"]


def test_a_forecast_without_some_of_the_windows_is_refused(tiny_windows, chosen, verified):
    table = statistics_by_window(tiny_windows, chosen, verified)
    first = (table.forecast == "still") & (table.init_time == table.init_time[0])
    with pytest.raises(ValueError, match="still has crps of 5 windows, other forecasts have 6"):
        statistics_of(table[~first])


def test_the_rows_of_two_trainings_are_not_taken_for_one(tiny_windows, chosen, verified):
    table = statistics_by_window(tiny_windows, chosen, verified)
    with pytest.raises(ValueError, match="twice"):
        statistics_of(pd.concat([table, table]))
