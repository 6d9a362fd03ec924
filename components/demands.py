"""What a client may ask of a served model; where it asks for something else, what was expected.

Every error is a ValueError whose sentence is meant for the client.
"""

from collections.abc import Mapping, Sequence
from numbers import Real

import numpy as np

from components.model_folder import OPTIONS
from nephele.fields.variables import FRAMES, VARIABLES

LIMITS = {"members": (1, 64), "seed": (0, 2**63 - 1)}
MOST_TOGETHER = 128  # members of one request: some 320 MB of text, and a minute of two cores
SHARE = "the share of each cell in which era5 is defined, from 0 to 1"
KELVIN = VARIABLES[FRAMES]  # what brightness temperatures can be
FREEZING = 273.15  # K


def options(given: Mapping[str, int] | None) -> dict[str, int]:
    """`members` and `seed`, each in its limits.

    Raises:
        ValueError: one is no whole number, or beyond its limits.
    """
    wanted = OPTIONS | {name: value for name, value in (given or {}).items() if value is not None}
    for name, (least, most) in LIMITS.items():
        value = wanted[name]
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not whole or not least <= value <= most:
            raise ValueError(f"{name} is {value}; expected a whole number from {least} to {most}")
    return {name: int(wanted[name]) for name in LIMITS}


def check_together(samples: int, members: int) -> None:
    """Refuse a request for more than one answer can hold.

    Raises:
        ValueError: it has more than `MOST_TOGETHER` members in all.
    """
    if samples * members > MOST_TOGETHER:
        raise ValueError(
            f"{samples} samples of {members} members are {samples * members} forecasts; expected "
            f"at most {MOST_TOGETHER} in a request: ask for fewer at once"
        )


def frames(given: Mapping[str, np.ndarray], shape: tuple[int, int, int]) -> np.ndarray:
    """The history, K, (batch, history, y, x), as float32.

    Args:
        shape: (history, y, x) that the model takes.

    Raises:
        ValueError: there is none, or its shape, values or units are others.
    """
    history = array(given, "history", shape)
    _check_finite(
        history,
        "history",
        ("sample", "frame", "y", "x"),
        "a temperature in every cell: fill what the satellite did not see",
    )
    if history.min() < KELVIN.low or history.max() > KELVIN.high:
        raise ValueError(
            f"the values in history run from {history.min():g} to {history.max():g}, "
            f"{_guess(history)}; expected brightness temperatures in K, from {KELVIN.low:g} to "
            f"{KELVIN.high:g}"
        )
    return history


def environment(
    given: Mapping[str, np.ndarray], shape: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """ERA5, normalised, and the share of each cell in which it is defined, as float32.

    Both are (batch, variable, history, y, x).

    Args:
        shape: (variable, history, y, x) that the model takes.

    Raises:
        ValueError: one is missing, or its shape or values are others.
    """
    era5, valid = (array(given, name, shape) for name in ("era5", "valid"))
    axes = ("sample", "variable", "frame", "y", "x")
    _check_finite(era5, "era5", axes, "a number in every cell, and 0 where valid is 0")
    _check_finite(valid, "valid", axes, SHARE)
    if valid.min() < 0 or valid.max() > 1:
        raise ValueError(
            f"the values in valid run from {valid.min():g} to {valid.max():g}; expected {SHARE}"
        )
    return era5, valid


def array(given: Mapping[str, np.ndarray], name: str, shape: tuple[int, ...]) -> np.ndarray:
    """An input by its name, as float32.

    Args:
        shape: without the batch, whose size is the client's choice.

    Raises:
        ValueError: there is none, it is no array of numbers, or has another shape.
    """
    expected = f"expected (batch, {', '.join(map(str, shape))})"
    if not isinstance(given, Mapping) or name not in given:
        has = ", ".join(map(str, given)) if isinstance(given, Mapping) else type(given).__name__
        raise ValueError(f"no {name} among the inputs ({has}); {expected}")
    try:
        values = np.ascontiguousarray(_numbers(given[name]), dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} is no array of numbers ({error}); {expected}") from None
    if values.shape[1:] != shape or not len(values):
        raise ValueError(f"{name} has the shape {values.shape}; {expected}")
    return values


def _numbers(given: object) -> np.ndarray:
    """What is given, if NumPy need not guess at real numbers in it."""
    if isinstance(given, np.ma.MaskedArray):
        raise ValueError("it is masked; fill the masked cells, and give a plain array")
    values = np.asarray(given)
    if values.dtype.kind == "O":
        others = {type(value).__name__ for value in values.flat if not _is_real(value)}
    else:
        others = set() if values.dtype.kind in "fiu" else {str(values.dtype)}
    if others:
        raise ValueError(f"it has values of type {', '.join(sorted(others))}")
    return values


def _is_real(value: object) -> bool:
    """None stands for NaN, as JSON has it."""
    return value is None or (isinstance(value, Real) and not isinstance(value, bool))


def _check_finite(values: np.ndarray, name: str, axes: Sequence[str], expected: str) -> None:
    finite = np.isfinite(values)
    if finite.all():
        return
    first = np.unravel_index(np.argmin(finite), values.shape)
    where = ", ".join(f"{axis} {place}" for axis, place in zip(axes, first, strict=True))
    raise ValueError(
        f"{np.count_nonzero(~finite)} of the {values.size} values in {name} are NaN or infinite, "
        f"the first in {where}; expected {expected}"
    )


def _guess(values: np.ndarray) -> str:
    """What values that are not K may be."""
    low, high = float(values.min()), float(values.max())
    if low >= 0 and high <= 1:
        return "as if they were scaled to 0…1"
    if low >= -10 and high <= 10:
        return "as if they were normalised"
    if low >= 0 and high <= 65_535 and np.array_equal(values, np.round(values)):
        return "all whole numbers, as if they were packed counts"
    if KELVIN.low - FREEZING <= low and high <= KELVIN.high - FREEZING:
        return "as if they were °C"
    outside = np.count_nonzero((values < KELVIN.low) | (values > KELVIN.high))
    return f"{outside} of {values.size} of them too cold or too warm for any cloud or sea"
