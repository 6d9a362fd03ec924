import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from nephele.windows import splits

SPAN = pd.Timedelta(hours=33)  # of a window
GAP = pd.Timedelta(hours=12)


@given(st.integers(3, 80), st.integers(0, 1000))
def test_no_storm_is_in_two_splits_and_none_is_empty(storms, seed):
    owner = np.repeat([f"s{n}" for n in range(storms)], 3)
    split = splits.by_storm(owner, 0.125, 0.25, seed)
    for name in set(owner):
        assert len(set(split[owner == name])) == 1
    assert set(split) == set(splits.SPLITS)


def test_the_seed_decides_and_the_order_of_the_windows_does_not():
    owner = np.repeat([f"s{n}" for n in range(20)], 2)
    first = splits.by_storm(owner, 0.125, 0.25, 3)
    np.testing.assert_array_equal(splits.by_storm(owner[::-1], 0.125, 0.25, 3), first[::-1])
    assert (splits.by_storm(owner, 0.125, 0.25, 4) != first).any()


def test_two_storms_cannot_be_split_in_three():
    with pytest.raises(ValueError, match=r"2 storm\(s\).*expected at least 3.*regrid\.split_by"):
        splits.by_storm(np.array(["a", "b"]), 0.125, 0.25, 0)


def series(*blocks):
    """Windows that start every hour within each block (first hour, count)."""
    starts = np.concatenate([first + np.arange(count) for first, count in blocks])
    first = pd.Timestamp("2000-01-01") + pd.to_timedelta(starts, unit="h")
    return pd.DatetimeIndex(first), pd.DatetimeIndex(first) + SPAN


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 60)), min_size=1, max_size=4),
    st.integers(1, 40),
)
def test_splits_in_time_are_in_order_and_the_gap_apart(blocks, hours):
    first, last = series(*blocks)
    gap = pd.Timedelta(hours=hours)
    try:
        split = splits.by_time(first, last, gap, (0.125, 0.25))
    except ValueError:
        return
    ends = {name: last[split == name].max() for name in splits.SPLITS}
    starts = {name: first[split == name].min() for name in splits.SPLITS}
    assert starts["validation"] - ends["train"] >= gap
    assert starts["test"] - ends["validation"] >= gap


def test_a_split_is_found_wherever_one_exists():
    # Three windows exactly the gap apart: there is one way only.
    first, last = series((0, 1), (45, 1), (90, 1))
    assert splits.by_time(first, last, GAP, (0.125, 0.25)).tolist() == list(splits.SPLITS)


def test_a_long_record_is_cut_in_proportion_to_the_shares():
    split = splits.by_time(*series((0, 6000)), GAP, (0.125, 0.25))
    assert (split == "train").mean() == pytest.approx(0.625, abs=0.02)
    assert (split == "validation").mean() == pytest.approx(0.125, abs=0.02)


def test_a_record_that_is_too_short_says_what_to_change():
    # Three windows and two gaps take 123 h: an hour less, and there is no way.
    splits.by_time(*series((0, 91)), GAP, (0.125, 0.25))
    with pytest.raises(ValueError, match=r"90 windows over 122 h leave .* lower regrid\.gap_hours"):
        splits.by_time(*series((0, 90)), GAP, (0.125, 0.25))
