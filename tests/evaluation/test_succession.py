import numpy as np
import pandas as pd
import pytest

from nephele.evaluation.succession import KEYS, succession

LEADS = (3, 6, 9)


def table(better=0.0, storms=12, windows=3, noise=0.0, seed=0, leads=LEADS, first=0):
    """Windows whose difficulty varies far more than models do; `better` by that many K."""
    generator = np.random.default_rng(seed)
    rows = []
    for storm in range(first, first + storms):
        common = noise * generator.standard_normal()
        for window in range(windows):
            for lead in leads:
                hard = 8 + 5 * np.sin(7 * storm + window) + 0.1 * lead
                frame = round(260 + np.cos(storm + 3 * window + lead), 2)
                name, time = f"S{storm:02d}", f"2001-08-{1 + window:02d}T00:00"
                rows.append((name, time, lead, frame, hard - better + common))
    return pd.DataFrame(rows, columns=[*KEYS, "student"])


def test_a_model_that_is_better_everywhere_succeeds_with_its_exact_gain():
    found = succession(table(better=0.25), table(), "student")
    assert found.moves
    assert [found.gain, found.low, found.high] == pytest.approx([0.25] * 3)
    assert "gain of +0.250 K" in found.sentence
    assert "36 windows of 12 storms" in found.sentence


def test_pairing_sees_a_gain_that_the_windows_difficulty_would_hide():
    new, old = table(better=0.1, noise=0.05), table()
    assert old.student.std() > 30 * 0.1
    assert succession(new, old, "student").moves


def test_a_worse_model_stays_out_and_is_called_worse():
    found = succession(table(better=-0.25), table(), "student")
    assert not found.moves
    assert found.sentence.startswith("worse: CRPS")


def test_a_gain_within_the_noise_of_storms_is_none():
    found = succession(table(better=0.1, noise=1.0), table(), "student")
    assert not found.moves
    assert found.low < 0 < found.high
    assert found.sentence.startswith("not better by more than noise: CRPS")


def test_chance_alone_moves_the_champion_as_rarely_as_the_interval_says():
    """Models that are equal but for noise: one side of 95 % is 2.5 % of the trials."""
    moved = sum(
        succession(table(noise=1.0, windows=1, leads=(3,), seed=trial), equal, "student").moves
        for equal in [table(windows=1, leads=(3,))]
        for trial in range(200)
    )
    assert moved <= 11  # a binomial of 200 and 0.025 is larger in 1 of 100 tests


def test_only_windows_that_both_were_tested_on_count():
    new = table(better=0.25, storms=10, first=4)
    new.loc[new.storm == "S13", "student"] -= 100
    found = succession(new, table(), "student")
    assert found.gain == pytest.approx(0.25)
    assert "24 windows of 8 storms" in found.sentence


def test_windows_with_other_frames_do_not_pair():
    other = table(better=9.0).assign(truth=lambda rows: rows.truth + 0.05)
    found = succession(other, table(), "student")
    assert not found.moves
    assert "12 of the same name, 0 with windows scored on the same frames" in found.sentence


def test_a_window_with_one_other_frame_does_not_count_at_all():
    new = table(better=0.25)
    new.loc[0, "truth"] += 1
    assert "35 windows" in succession(new, table(), "student").sentence


def test_other_lead_times_do_not_compare():
    found = succession(table(better=9.0, leads=(3, 6)), table(), "student")
    assert not found.moves
    assert "its lead times, 3, 6 h, are not the champion's, 3, 6, 9 h" in found.sentence


def test_too_few_common_storms_do_not_compare():
    found = succession(table(better=9.0, storms=4), table(), "student")
    assert not found.moves
    assert "4 test storms against the champion's 12" in found.sentence


@pytest.mark.parametrize("side", [0, 1])
def test_a_score_that_is_not_defined_helps_nobody(side):
    tables = [table(better=9.0), table()]
    tables[side].loc[0, "student"] = np.nan
    found = succession(*tables, "student")
    assert not found.moves
    assert "not defined in 1 of 36" in found.sentence


def test_a_table_without_the_forecast_says_what_it_has():
    with pytest.raises(ValueError, match="no column student among storm, init_time"):
        succession(table().rename(columns={"student": "control"}), table(), "student")


def test_a_window_twice_is_refused():
    with pytest.raises(ValueError, match="twice"):
        succession(pd.concat([table(), table()]), table(), "student")
