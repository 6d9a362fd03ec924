"""Outputs are complete or absent: written beside their place, then moved there."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A path to write a file or a folder at; it becomes `path` when the block ends well."""
    partial = path.with_name(f".{path.name}.partial")
    _remove(partial)
    partial.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield partial
        _remove(path)
        partial.rename(path)
    finally:
        _remove(partial)


def write_json(path: Path, values: object) -> None:
    """Write `values` as JSON; NaN is refused, since other readers would not take it."""
    with whole(path) as partial:
        partial.write_text(json.dumps(values, indent=2, allow_nan=False) + "\n")


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
