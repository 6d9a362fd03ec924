"""Weights applied to fields with holes: what is missing has no say, and its share comes out.

No weight is negative, and those of a target cell sum to 1, or to the share of the cell that the
source covers.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike
from scipy import sparse


@dataclass(frozen=True)
class Matrix:
    """Weights between any two grids: one row a target cell, one column a source cell in use."""

    matrix: sparse.csr_array
    columns: np.ndarray  # number of each column's cell in the flattened source
    target: tuple[int, ...]

    @classmethod
    def of(cls, matrix: sparse.csr_array, target: tuple[int, ...]) -> "Matrix":
        """From a `matrix` (target, source); columns without weights are left out."""
        taken = np.zeros(matrix.shape[1], dtype=bool)
        taken[matrix.indices] = True
        columns = np.flatnonzero(taken)
        narrow = sparse.csr_array(
            (matrix.data, (np.cumsum(taken, dtype=np.int32) - 1)[matrix.indices], matrix.indptr),
            shape=(matrix.shape[0], len(columns)),
        )
        return cls(narrow, columns, target)

    @property
    def dtype(self) -> np.dtype:
        return self.matrix.dtype

    def astype(self, dtype: DTypeLike) -> "Matrix":
        return type(self)(self.matrix.astype(dtype), self.columns, self.target)

    def used(self, fields: np.ndarray) -> np.ndarray:
        """The values of `fields` (field, …source) that have a weight, (field, …)."""
        return fields.reshape(len(fields), -1)[:, self.columns]

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Weighted sums of one field's used values, in the target's shape."""
        return (self.matrix @ values).reshape(self.target)


@dataclass(frozen=True)
class Separable:
    """Weights between two grids whose axes are aligned: one small matrix along either axis.

    Attributes:
        y: (target, source) rows; of frames, one below the other, to all rows of all fields.
        x: (target, source) columns; of frames, one below the other, each to columns of its own.
        frames: how many, or None for a fixed target.
    """

    y: sparse.csr_array
    x: sparse.csr_array
    frames: int | None = None

    @property
    def target(self) -> tuple[int, ...]:
        if self.frames is None:
            return self.y.shape[0], self.x.shape[0]
        return self.frames, self.y.shape[0] // self.frames, self.x.shape[0] // self.frames

    @property
    def dtype(self) -> np.dtype:
        return self.y.dtype

    def astype(self, dtype: DTypeLike) -> "Separable":
        return type(self)(self.y.astype(dtype), self.x.astype(dtype), self.frames)

    def used(self, fields: np.ndarray) -> np.ndarray:
        return fields

    def sums(self, values: np.ndarray) -> np.ndarray:
        if self.frames is None:
            return (self.x @ (self.y @ values).T).T
        frames, rows, columns = self.target
        along_y = (self.y @ values.reshape(-1, values.shape[-1])).reshape(frames, rows, -1)
        stacked = along_y.swapaxes(1, 2).reshape(-1, rows)
        return (self.x @ stacked).reshape(frames, columns, rows).swapaxes(1, 2)


Weights = Matrix | Separable


def apply(weights: Weights, fields: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weighted means over what is valid, and the valid fraction.

    Args:
        fields: (field, …source), NaN where missing.

    Returns:
        values (field, …target), NaN where nothing valid has weight; fractions, alike, 0 to 1.
    """
    used = weights.used(fields)
    shape = (len(fields), *weights.target)
    values, fractions = np.empty(shape, weights.dtype), np.empty(shape, weights.dtype)
    bits = np.dtype(f"i{used.dtype.itemsize}")
    kept, filled = np.empty(used.shape[1:], bits), np.empty(used.shape[1:], used.dtype)
    seen, divisor, fraction = None, np.empty(0), np.empty(0)
    # One field at a time, in arrays that are used again: memory is what takes the time.
    for number, field in enumerate(used):
        valid = np.isfinite(field)
        # Land is where it was an hour ago: its fraction is known.
        if seen is None or not np.array_equal(valid, seen):
            seen, weight = valid, weights.sums(valid.astype(weights.dtype))
            np.negative(valid.astype(bits), out=kept)
            # Rounding must not make a value of what has no weight.
            some = weight > 1e-6
            divisor = np.where(some, weight, np.nan)
            fraction = np.where(some, np.minimum(weight, 1.0), 0.0)
        # All bits of a number (those of -1), or none, which is zero: twice as fast as choosing.
        np.bitwise_and(field.view(bits), kept, out=filled.view(bits))
        np.divide(weights.sums(filled), divisor, out=values[number])
        fractions[number] = fraction
    return values, fractions
