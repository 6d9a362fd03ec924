"""A stage's signature is its command line.

    def main(windows: InPath, params: TeacherParams, teacher: OutPath) -> None

becomes `--windows PATH --params PARAMS --teacher PATH`: the flags that dvc.yaml
and the Kubeflow component both pass, and that tests/test_graph.py compares.
A parameter with a default is a flag that may be left out.
"""

import argparse
import inspect
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NewType, get_args, get_origin

from nephele import params

InPath = NewType("InPath", Path)
OutPath = NewType("OutPath", Path)


def command_line(main: Callable[..., None]) -> None:
    """Run a stage's `main` on the arguments of the process.

    What the user can mend (ValueError, OSError) ends in one sentence and exit status 1.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    section = Path(inspect.getfile(main)).parent.name
    try:
        main(**_arguments(main, section))
    except (ValueError, OSError) as error:
        sys.exit(f"{section}: {error}")


def _arguments(main: Callable[..., None], section: str) -> dict:
    signature = inspect.signature(main).parameters
    parser = argparse.ArgumentParser(description=inspect.getdoc(main))
    for name, parameter in signature.items():
        choices = get_args(parameter.annotation) if _is_choice(parameter) else None
        required = parameter.default is parameter.empty
        parser.add_argument(f"--{name}", required=required, choices=choices)
    given = {k: v for k, v in vars(parser.parse_args()).items() if v is not None}
    return {name: _value(signature[name], text, section) for name, text in given.items()}


def _is_choice(parameter: inspect.Parameter) -> bool:
    return get_origin(parameter.annotation) is Literal


def _value(parameter: inspect.Parameter, text: str, section: str) -> object:
    if parameter.name == "params":
        return params.read(text, section, parameter.annotation)
    if _is_choice(parameter) or parameter.annotation is str:
        return text
    path = Path(text)
    if parameter.annotation is InPath and not path.exists():
        raise ValueError(
            f"--{parameter.name}: nothing at {path}; run the stage that makes it first"
        )
    if parameter.annotation is OutPath:
        path.parent.mkdir(parents=True, exist_ok=True)
    return path
