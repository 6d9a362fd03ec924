"""Who imports whom, read from the sources without running them."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = {"nephele": ROOT / "src", "components": ROOT, "pipeline": ROOT, "evidence": ROOT}


def modules(package: str) -> list[Path]:
    return sorted((PACKAGES[package] / package).rglob("*.py"))


def imported(file: Path) -> set[str]:
    """The dotted names that a module imports anywhere, `from a import b` as `a.b`."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: import by the full name"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def closure(file: Path) -> set[Path]:
    """A module of this repository and all that it imports, directly or not."""
    found, todo = set(), [file]
    while todo:
        module = todo.pop()
        if module not in found:
            found.add(module)
            todo += [source for name in imported(module) for source in _sources(name)]
    return found


def _sources(name: str) -> Iterator[Path]:
    """The file that holds `name`, and those of the packages that it is in."""
    parts = name.split(".")
    for depth in range(1, len(parts) + 1):
        place = PACKAGES.get(parts[0], ROOT / "nowhere").joinpath(*parts[:depth])
        for file in (place.with_suffix(".py"), place / "__init__.py"):
            if file.is_file():
                yield file
