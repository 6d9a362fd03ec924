import pandas as pd
import pytest

from nephele.downloads.parts import Area, daily, halves, monthly

AREA = Area(30.0, 120.0, 5.0, 150.0)
TIMES = tuple(pd.date_range("2013-11-29 06:00", "2013-12-02 18:00", freq="6h"))
VARIABLES = {"sst": None, "msl": None, "z": 850, "r": 200, "t": 850}


def wanted(variables, times):
    return {(name, level, time) for name, level in variables.items() for time in times}


def covered(parts):
    return [
        (name, level, time)
        for part in parts
        for name in part.variables
        for level in part.levels or (None,)
        for time in part.times
    ]


def test_months_hold_every_field_once_and_no_other():
    parts = monthly(VARIABLES, TIMES, AREA)
    found = covered(parts)
    assert len(found) == len(set(found))
    assert set(found) == wanted(VARIABLES, TIMES)
    assert all(len({time.month for time in part.times}) == 1 for part in parts)
    assert len(parts) == len({part.name for part in parts}) == 6  # 3 levels x 2 months


def test_days_hold_every_time_once():
    parts = daily(("z",), (850,), TIMES, AREA)
    assert [time for part in parts for time in part.times] == list(TIMES)
    assert [len(part.times) for part in parts] == [3, 4, 4, 4]


@pytest.mark.parametrize("count", [2, 3, 4, 11])
def test_halves_are_the_whole_and_end_at_one_time(count):
    whole = daily(("z",), (850,), TIMES[:1], AREA)[0].__class__(("z",), (850,), TIMES[:count], AREA)

    def leaves(part):
        cut = halves(part)
        return [part] if cut is None else [leaf for half in cut for leaf in leaves(half)]

    early, late = halves(whole)
    assert early.times + late.times == whole.times
    assert [leaf.times for leaf in leaves(whole)] == [(time,) for time in whole.times]


def test_days_are_kept_together_while_there_are_several():
    whole = monthly({"z": 850}, TIMES[3:], AREA)[1]
    early, late = halves(whole)
    assert early.times[-1].day != late.times[0].day
