"""Overlays: the parameters in which an experiment differs from params.yaml.

`dvc exp run` takes them as `-S key=value`, in the grammar of Hydra's overrides.
"""

import re
import shlex
from collections.abc import Iterable
from pathlib import Path

from nephele import typed
from nephele.nested import flat


def read(overlay: Path) -> dict:
    """The nested settings of an overlay file.

    Raises:
        ValueError: the file is missing, is not YAML, or is no mapping.
    """
    if not overlay.is_file():
        raise ValueError(f"no overlay {overlay}; experiments/ has those of the repository")
    return typed.mapping(overlay)


def overlaid(values: dict, overlay: dict) -> dict:
    """Nested `values` with those of `overlay` in their places."""
    return values | {
        key: overlaid(values[key], value)
        if isinstance(value, dict) and isinstance(values.get(key), dict)
        else value
        for key, value in overlay.items()
    }


def options(settings: dict, more: Iterable[str] = ()) -> str:
    """`settings`, then each `key=text` of `more`, as words for a shell after `dvc exp run`.

    Raises:
        ValueError: one of `more` is not of the form key=value.
    """
    pairs = list(flat(settings).items())
    for word in more:
        key, equals, text = word.partition("=")
        if not (key and equals):
            raise ValueError(f"{word!r} sets nothing; expected key=value")
        pairs.append((key, text))
    return " ".join(f"-S {shlex.quote(f'{key}={hydra(value)}')}" for key, value in pairs)


def hydra(value: object) -> str:
    """A value in the grammar of Hydra's overrides, text always in quotes."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        # Backslashes escape only before a quote, and at the end of the text.
        return "'" + re.sub(r"(\\*)('|$)", _escaped, value) + "'"
    if isinstance(value, list):
        return "[" + ",".join(hydra(item) for item in value) + "]"
    return repr(value)


def _escaped(found: re.Match) -> str:
    backslashes, quote = found.groups()
    return backslashes * 2 + ("\\'" if quote else "")
