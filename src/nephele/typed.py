"""Values from a file brought to types, section by section; what does not fit is named."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ConfigDict, TypeAdapter, ValidationError

STRICT = ConfigDict(extra="forbid")


def load(file: str) -> dict:
    """The sections of a params.yaml as they stand there.

    Raises:
        ValueError: there is no such file, or it does not hold sections.
    """
    if not Path(file).is_file():
        raise ValueError(f"no parameter file {file}; expected a params.yaml")
    return mapping(Path(file))


def mapping(file: Path) -> dict:
    """The nested sections of a file that exists.

    Raises:
        ValueError: it is not YAML, or does not hold sections.
    """
    try:
        values = yaml.safe_load(file.read_text())
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        what = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise ValueError(f"{file}{line} is not valid YAML ({what}); correct it") from None
    if not isinstance(values, dict):
        raise ValueError(f"{file} holds {values!r}; expected sections as in params.yaml")
    return values


def sections(values: Mapping[str, object], kinds: Mapping[str, type], name: str = "") -> dict:
    """The sections of `values` in the types of `kinds`; `name` is that of their file.

    Raises:
        ValueError: a section is missing, or a parameter is misspelt, missing or out of range;
            the message names each one.
    """
    found: dict[str, object] = {}
    faults: list[str] = []
    for section, kind in kinds.items():
        if section not in values:
            raise ValueError(
                f"{name} has no section {section!r}; add one, as params.yaml of the repository has"
            )
        try:
            found[section] = TypeAdapter(kind).validate_python(values[section])
        except ValidationError as error:
            faults += [_sentence(section, fault) for fault in error.errors()]
    if faults:
        raise ValueError((f"{name}: " if name else "") + "; ".join(faults))
    return found


def _sentence(section: str, fault: Mapping[str, Any]) -> str:
    key = ".".join([section, *map(str, fault["loc"])])
    if fault["type"] == "value_error":  # from a type itself: it begins with a parameter
        return f"{key}.{fault['ctx']['error']}"
    if fault["type"].startswith("missing"):
        return f"{key} is missing, expected a value"
    return f"{key} = {fault['input']!r}: {fault['msg']}"
