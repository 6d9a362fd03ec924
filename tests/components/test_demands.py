import numpy as np
import pytest

from components import demands
from components.model_folder import OPTIONS

SHAPE = (4, 8, 8)


def history(low=200.0, high=300.0, samples=2):
    count = samples * np.prod(SHAPE)
    return np.linspace(low, high, count).reshape(samples, *SHAPE).astype(np.float32)


def refused(**given):
    with pytest.raises(ValueError) as error:
        demands.frames(given, SHAPE)
    return str(error.value)


@pytest.mark.parametrize("samples", [1, 3, 17])
def test_frames_in_kelvin_pass_as_they_are_in_any_number(samples):
    given = history(150, 340, samples)
    np.testing.assert_array_equal(demands.frames({"history": given.tolist()}, SHAPE), given)


@pytest.mark.parametrize("other", [(4, 8, 8), (2, 3, 8, 8), (2, 4, 8, 9), (0, 4, 8, 8)])
def test_other_shapes_are_refused_with_both_shapes(other):
    said = refused(history=np.full(other, 280.0))
    assert said == f"history has the shape {other}; expected (batch, 4, 8, 8)"


def test_values_that_are_no_numbers_are_refused():
    assert "history is no array of numbers" in refused(history=[["cold"]])
    assert "history is no array of numbers" in refused(history=[[1.0], [1.0, 2.0]])


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (history().astype(complex), "values of type complex128"),
        (history().astype(str), "values of type <U"),
        (history().astype(str).tolist(), "values of type <U"),
        (history().astype(str).astype(object), "values of type str"),
        (history() > 250, "values of type bool"),
        (np.ma.masked_less(history(), 250), "it is masked; fill the masked cells"),
    ],
    ids=["complex", "text", "list of texts", "texts among objects", "true or false", "masked"],
)
def test_what_only_becomes_numbers_by_a_guess_is_refused(given, found):
    said = refused(history=given)
    assert said.startswith("history is no array of numbers (")
    assert found in said


def environment(**others):
    fields = (3, *SHAPE)
    given = {"era5": np.zeros((2, *fields)), "valid": np.full((2, *fields), 0.5)} | others
    return demands.environment(given, fields)


def test_a_teachers_era5_passes_with_shares_of_cells():
    era5, valid = environment()
    assert era5.dtype == valid.dtype == np.float32
    assert (valid == 0.5).all()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("era5", np.nan, "1 of the 1536 values in era5 are NaN or infinite, the first in sample 1"),
        ("valid", np.inf, "1 of the 1536 values in valid are NaN or infinite, the first in sample"),
        ("valid", 1.5, "the values in valid run from 0 to 1.5; expected the share of each cell"),
    ],
)
def test_a_teachers_era5_is_refused_where_it_is_no_number(name, value, words):
    fields = np.zeros((2, 3, *SHAPE))
    fields[1, 2, 3, 4, 5] = value
    with pytest.raises(ValueError, match=words):
        environment(**{name: fields})


def test_so_many_members_in_one_request_are_refused_with_what_may_be_asked_for():
    demands.check_together(2, 64)
    with pytest.raises(ValueError) as error:
        demands.check_together(3, 64)
    assert str(error.value) == (
        "3 samples of 64 members are 192 forecasts; expected at most 128 in a request: ask for "
        "fewer at once"
    )


def test_other_inputs_are_named_beside_the_one_that_is_missing():
    assert "no history among the inputs (frames, time)" in refused(frames=history(), time=0)
    with pytest.raises(ValueError, match=r"no history among the inputs \(list\)"):
        demands.frames([1.0], SHAPE)


@pytest.mark.parametrize("hole", [np.nan, np.inf, -np.inf, None])
def test_a_hole_is_found_and_said_where(hole):
    given = history().astype(object)
    given[1, 2, 3, 4] = hole
    said = refused(history=given.tolist())
    assert "1 of the 512 values in history are NaN or infinite" in said
    assert "sample 1, frame 2, y 3, x 4" in said


@pytest.mark.parametrize(
    ("given", "guess"),
    [
        (history() - 273.15, "from -73.15 to 26.85, as if they were °C"),
        (history(0, 1), "as if they were scaled to 0…1"),
        (history(-2.5, 2.5), "as if they were normalised"),
        (np.round(history(0, 255)), "whole numbers, as if they were packed counts"),
        (history(200, 350), "too cold or too warm"),
        (100 * history(), "too cold or too warm"),
    ],
    ids=["celsius", "scaled", "normalised", "counts", "too warm", "hundredths"],
)
def test_other_units_are_refused_with_what_they_may_be_and_what_is_expected(given, guess):
    said = refused(history=given)
    assert guess in said
    assert "expected brightness temperatures in K, from 150 to 340" in said


@pytest.mark.parametrize(
    "wrong",
    [{"members": 0}, {"members": 65}, {"seed": -1}, {"seed": 2**63}, {"members": 2.5}],
    ids=str,
)
def test_options_beyond_their_limits_are_refused_with_the_limits(wrong):
    ((name, value),) = wrong.items()
    least, most = demands.LIMITS[name]
    expected = f"{name} is {value}; expected a whole number from {least} to {most}"
    with pytest.raises(ValueError) as error:
        demands.options(wrong)
    assert str(error.value) == expected


def test_options_that_are_not_given_are_the_usual_ones():
    assert demands.options(None) == OPTIONS
    assert demands.options({"members": np.int64(3)}) == OPTIONS | {"members": 3}
