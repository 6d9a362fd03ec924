from dataclasses import replace

import numpy as np
import pytest
from known_windows import make_windows

from nephele.evaluation import scores
from nephele.evaluation.by_window import crps_by_window
from nephele.evaluation.sampling import baseline
from nephele.evaluation.succession import KEYS
from nephele.evaluation.verification import verify


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
