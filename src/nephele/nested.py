"""Nested parameters and figures, flattened."""

import dataclasses
from collections.abc import Mapping


def flat(values: object, prefix: str = "") -> dict[str, object]:
    """The values of nested mappings and dataclasses by dotted names, as `network.channels`."""
    if dataclasses.is_dataclass(values) and not isinstance(values, type):
        values = dataclasses.asdict(values)
    if not isinstance(values, Mapping):
        return {prefix: values}
    found: dict[str, object] = {}
    for key, value in values.items():
        found |= flat(value, f"{prefix}.{key}" if prefix else str(key))
    return found
