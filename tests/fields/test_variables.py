import pytest

from nephele.fields.variables import GRAVITY, plausible, standard_height


# ICAO standard atmosphere, heights of the mandatory levels in m.
@pytest.mark.parametrize(
    ("level", "height"),
    [(1000, 111), (850, 1457), (500, 5574), (300, 9164), (200, 11784), (100, 16180)],
)
def test_standard_heights_are_those_of_the_table(level, height):
    assert standard_height(level) == pytest.approx(height, abs=3)


@pytest.mark.parametrize("level", [850, 700, 500, 200])
def test_a_height_in_metres_is_never_plausible_as_a_geopotential(level):
    low, high = plausible("z", level)
    height = standard_height(level)
    assert low < GRAVITY * height < high
    assert not low <= height <= high
