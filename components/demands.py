"""What a client may ask of a served model; where it asks for something else, what was expected.

Every error is a ValueError whose sentence is meant for the client.
"""

from collections.abc import Mapping

import numpy as np

from components.model_folder import OPTIONS
from nephele.fields.variables import FRAMES, VARIABLES

LIMITS = {"members": (1, 64), "seed": (0, 2**63 - 1)}
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


def frames(given: Mapping[str, np.ndarray], shape: tuple[int, int, int]) -> np.ndarray:
    """The history, K, (batch, history, y, x), as float32.

    Args:
        shape: (history, y, x) that the model takes.

    Raises:
        ValueError: there is none, or its shape, values or units are others.
    """
    history = array(given, "history", shape)
    sample, frame, y, x = np.unravel_index(np.argmin(np.isfinite(history)), history.shape)
    if not np.isfinite(history[sample, frame, y, x]):
        missing = np.count_nonzero(~np.isfinite(history))
        raise ValueError(
            f"{missing} of the {history.size} values in history are NaN or infinite, the first in "
            f"sample {sample}, frame {frame}, y {y}, x {x}; expected a temperature in every cell: "
            "fill what the satellite did not see"
        )
    if history.min() < KELVIN.low or history.max() > KELVIN.high:
        raise ValueError(
            f"the values in history run from {history.min():g} to {history.max():g}, "
            f"{_guess(history)}; expected brightness temperatures in K, from {KELVIN.low:g} to "
            f"{KELVIN.high:g}"
        )
    return history


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
        values = np.ascontiguousarray(given[name], dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} is no array of numbers ({error}); {expected}") from None
    if values.shape[1:] != shape or not len(values):
        raise ValueError(f"{name} has the shape {values.shape}; {expected}")
    return values


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
