"""Which files of this repository a module needs, read from the sources without running them.

What it imports, directly or not, anywhere; modules that it names in a text, such as the one that
MLflow is told to load; and data files that lie beside a module that names them.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = {"nephele": ROOT / "src", "components": ROOT}


def needed(module: str) -> set[Path]:
    """The file of a module, by its dotted name, and all that it needs of this repository."""
    found: set[Path] = set()
    todo = [*_places(module)]
    while todo:
        file = todo.pop()
        if file not in found:
            found.add(file)
            todo += _named(file)
    return found


@cache
def _named(file: Path) -> set[Path]:
    """The files that one file names."""
    if file.suffix != ".py":
        return set()
    files = {source for name in _names(ast.parse(file.read_text())) for source in _places(name)}
    beside = {other for other in file.parent.iterdir() if other.suffix not in (".py", "")}
    return files | {other for other in beside if other.name in file.read_text()}


def _names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _places(name: str) -> Iterator[Path]:
    """The file that holds what a dotted name names, and those of the packages that it is in."""
    parts = name.split(".")
    if parts[0] not in PACKAGES or not all(part.isidentifier() for part in parts):
        return
    for depth in range(1, len(parts) + 1):
        place = PACKAGES[parts[0]].joinpath(*parts[:depth])
        for file in (place.with_suffix(".py"), place / "__init__.py"):
            if file.is_file():
                yield file
