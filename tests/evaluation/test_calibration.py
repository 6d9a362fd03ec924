"""Calibration of ensembles that are perfect, or known not to be."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from nephele.evaluation.calibration import TAIL, calibration, perfect_indices, reliability_index
from nephele.evaluation.scores import exchanged_ranks
from nephele.evaluation.verification import Design, verify

WINDOWS, MEMBERS, LEADS = 20, 4, (3, 24)
DESIGN = Design(np.repeat(np.arange(WINDOWS // 2), 2), LEADS, resamples=500, seed=0)


def ensembles(deviation=1.0, size=16, seed=0):
    """Windows of members of `deviation` K and a truth of one, every pixel for itself."""
    generator = np.random.default_rng(seed)
    shape = (len(LEADS), size, size)
    for _ in range(WINDOWS):
        members = 270 + deviation * generator.standard_normal((MEMBERS, *shape))
        yield members, 270 + generator.standard_normal(shape)


def test_the_index_is_zero_of_a_flat_histogram_and_largest_where_one_rank_has_all():
    flat, single = np.full(5, 0.2), np.eye(5)[2]
    assert reliability_index(np.stack([flat, single])) == pytest.approx([0, 2 - 2 / 5])


def test_a_perfect_ensemble_of_uniform_fields_has_the_index_of_a_fair_die():
    """One rank a window: the histogram is that of as many throws, whose index has a closed form."""
    generator = np.random.default_rng(2)
    fields = generator.standard_normal((WINDOWS, MEMBERS + 1, len(LEADS), 1, 1))
    fields = np.broadcast_to(fields, (*fields.shape[:3], 16, 16))
    exchanged = verify((field[:-1], field[-1]) for field in fields).exchanged
    found = perfect_indices(exchanged, draws=2000, seed=0)

    sides = MEMBERS + 1
    thrown = np.arange(WINDOWS + 1)
    away = np.abs(thrown / WINDOWS - 1 / sides)
    expected = sides * (away * binom.pmf(thrown, WINDOWS, 1 / sides)).sum()
    # Of 2000 draws, whose deviation is some 0.11.
    assert found.mean(axis=0) == pytest.approx([expected] * 3, abs=0.012)


def test_perfect_ensembles_are_beyond_most_simulated_ones_as_rarely_as_that_says():
    beyond = 0
    for trial in range(100):
        pairs = ensembles(size=4, seed=trial)
        exchanged = np.stack([exchanged_ranks(members, truth) for members, truth in pairs])
        simulated = perfect_indices(exchanged, draws=100, seed=trial)[:, 0]
        own = reliability_index(exchanged[:, :, -1].mean(axis=0))[0]
        beyond += own > np.percentile(simulated, TAIL)
    # A binomial of 100 and 0.05 is larger in 1 of 200 cases; at least 1 in 99 of 100.
    assert 1 <= beyond <= 12


@pytest.mark.parametrize(("deviation", "word"), [(1.0, "within"), (0.5, "narrow"), (2.0, "wide")])
def test_perfect_narrow_and_wide_ensembles_are_called_so_at_every_lead_time(deviation, word):
    found = calibration({"ensemble": verify(ensembles(deviation))}, DESIGN)["ensemble"]
    assert list(found) == ["3", "24", "mean"]
    for at_lead in found.values():
        assert word in at_lead["statement"]
        assert at_lead["within"] == (word == "within")
        flat = at_lead["reliability_index"] <= at_lead["perfect_most"]
        assert flat == (word == "within")


@pytest.mark.parametrize(
    ("ratio", "scatter", "statement"),
    [
        (1.0, 0.0, "within 0.8 to 1.2"),
        (1.18, 0.2, "within 0.8 to 1.2, but not surely"),
        (0.7, 0.0, "too narrow: outside 0.8 to 1.2"),
        (0.78, 0.2, "too narrow: outside 0.8 to 1.2, but not surely"),
        (1.3, 0.0, "too wide: outside 0.8 to 1.2"),
    ],
)
def test_statement_follows_the_ratio_and_its_interval(ratio, scatter, statement):
    verified = verify(ensembles())
    # Storms alternate about the ratio: it stays, and its interval has the width of the scatter.
    sign = np.where(DESIGN.storms % 2, 1, -1)[:, None]
    variance = np.full((WINDOWS, len(LEADS)), ratio**2) + scatter * sign
    statistics = {**verified.statistics, "variance": variance, "squared_error": variance**0}
    found = calibration({"made": replace(verified, statistics=statistics)}, DESIGN)["made"]
    assert found["24"]["spread_skill"] == pytest.approx(ratio)
    assert found["24"]["statement"] == statement
    assert found["24"]["sure"] == ("not surely" not in statement)


def test_single_forecasts_have_no_calibration():
    pairs = ((members[:1], truth) for members, truth in ensembles())
    assert calibration({"persistence": verify(pairs)}, DESIGN) == {}
