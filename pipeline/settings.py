"""Overlays: the parameters in which an experiment differs from params.yaml.

`dvc exp run` takes them as `-S key=value`, in the grammar of Hydra's overrides.
"""

import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml


def read(overlay: Path) -> dict:
    """The nested settings of an overlay file.

    Raises:
        ValueError: the file is missing or is no mapping.
    """
    if not overlay.is_file():
        raise ValueError(f"no overlay {overlay}; experiments/ has those of the repository")
    settings = yaml.safe_load(overlay.read_text())
    if not isinstance(settings, dict):
        raise ValueError(f"{overlay} holds {settings!r}; expected sections as in params.yaml")
    return settings


def flat(settings: dict, prefix: str = "") -> Iterator[tuple[str, object]]:
    """Each value of nested settings with its dotted key."""
    for key, value in settings.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def options(settings: dict, more: Iterable[str] = ()) -> str:
    """`settings`, then each `key=text` of `more`, as words for a shell after `dvc exp run`.

    Raises:
        ValueError: one of `more` is not of the form key=value.
    """
    pairs = list(flat(settings))
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
