"""Weights applied to fields with holes: what is missing has no say, and its share comes out."""

import numpy as np
from scipy import sparse


def apply(weights: sparse.csr_array, fields: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weighted means over what is valid, and the valid fraction.

    Args:
        weights: (target, source), not negative, each row summing to 1 (or less at the rim).
        fields: (source, field), NaN where missing.

    Returns:
        values (target, field), NaN where nothing valid has weight; fraction, alike, 0 to 1.
    """
    valid = np.isfinite(fields)
    total = weights @ np.where(valid, fields, 0.0)
    fraction = weights @ valid.astype(fields.dtype)
    # Rounding must not make a value of what has no weight.
    some = fraction > 1e-6
    values = np.divide(total, fraction, out=np.full_like(total, np.nan), where=some)
    return values, np.where(some, np.minimum(fraction, 1.0), 0.0)
