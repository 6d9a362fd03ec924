"""What the pictures of verification show, read from their lines and bars."""

import numpy as np
import pytest

from nephele.evaluation.calibration import calibration
from nephele.evaluation.verification import Design, table, verify
from nephele.pictures import curves

SIZE, CELL, LEADS = 32, 20.0, (3, 6, 9)
DESIGN = Design(np.repeat(np.arange(6), 2), LEADS, resamples=50, seed=0)


@pytest.fixture(scope="module")
def verified():
    generator = np.random.default_rng(0)

    def pairs(members):
        for _ in DESIGN.storms:
            truth = 260 + 10 * generator.standard_normal((len(LEADS), SIZE, SIZE))
            # Twice the truth's amplitude: four times its power.
            noise = generator.standard_normal((members, *truth.shape))
            yield 260 + 20 * noise, truth

    return {"student": verify(pairs(3)), "persistence": verify(pairs(1))}


def test_a_panel_shows_each_forecast_that_has_the_score(verified):
    found = table({name: v.statistics for name, v in verified.items()}, DESIGN)
    figure = curves.scores_by_lead(found, curves.HEADLINES, "SYNTHETIC")
    crps, _, spread = figure.axes
    lines = {line.get_label(): line for line in crps.lines}
    assert list(lines) == ["student", "persistence"]
    shown = found[(found.score == "crps") & (found.forecast == "student")].value[:-1]
    assert lines["student"].get_xdata() == pytest.approx(LEADS)
    assert lines["student"].get_ydata() == pytest.approx(shown.to_numpy())
    assert "student" in [line.get_label() for line in spread.lines]
    assert "persistence" not in [line.get_label() for line in spread.lines]
    assert figure.get_suptitle().startswith("SYNTHETIC")


def test_rank_histograms_stand_beside_their_index_and_that_of_a_perfect_ensemble(verified):
    known = calibration(verified, DESIGN)
    figure = curves.rank_histograms(verified, known, LEADS, "")
    assert len(figure.axes) == 3  # of the ensemble alone
    heights = [bar.get_height() for bar in figure.axes[2].patches]
    assert heights == pytest.approx(verified["student"].ranks[2])
    of_last = known["student"]["9"]
    said = f"index {of_last['reliability_index']:.2f}, perfect {of_last['perfect']:.2f}"
    assert said in figure.axes[2].get_title()


def test_spectra_are_means_over_windows_by_wavelength(verified):
    figure = curves.spectra(verified, LEADS, CELL, "")
    truth, student = figure.axes[0].lines
    assert truth.get_xdata()[[0, -1]] == pytest.approx([SIZE * CELL, 2 * CELL])
    ratio = student.get_ydata() / truth.get_ydata()
    assert ratio[4:] == pytest.approx(4, rel=0.2)
