import pytest
from downloads.stand_ins import IMPATIENT, RETRIES

from nephele.downloads.patience import PassingError, patiently


def failing(times, error):
    """A call that raises `error` so many times and then returns how often it was called."""
    calls = []

    def call():
        calls.append(None)
        if len(calls) <= times:
            raise error
        return len(calls)

    return call, calls


@pytest.mark.parametrize("times", [0, 1, 5])
def test_what_passes_is_tried_until_it_has_passed(times):
    call, _ = failing(times, PassingError("busy"))
    assert patiently(call, "a file", RETRIES) == times + 1


def test_what_does_not_pass_is_said_at_once():
    call, calls = failing(9, ValueError("no such file"))
    with pytest.raises(ValueError, match="no such file"):
        patiently(call, "a file", RETRIES)
    assert len(calls) == 1


def test_patience_ends_and_says_why():
    call, calls = failing(10**6, PassingError("the bucket answers 503"))
    with pytest.raises(ValueError, match=r"a file: given up after 0.8 s.* answers 503.*run the"):
        patiently(call, "a file", IMPATIENT)
    assert len(calls) > 3
