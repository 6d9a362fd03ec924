"""A stage's signature is its command line.

    def main(windows: InPath, params: TeacherParams, teacher: OutPath, log: Log) -> None

becomes `--windows PATH --params PARAMS --teacher PATH`: the flags that dvc.yaml
and the Kubeflow component both pass, and that tests/test_graph.py compares.
A parameter with a default is a flag that may be left out. The `log` of a stage that
wants one is its run in MLflow, which every stage has: it tells what was read and written.

Every stage with parameters also takes `--set`, for a run that differs from its section:

    python -m components.pretrain_teacher.stage … --set seed=1 network.channels=64
"""

import argparse
import inspect
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NewType, get_args, get_origin

from components import kubeflow, tracking
from nephele import parameter_file

InPath = NewType("InPath", Path)
OutPath = NewType("OutPath", Path)
CHANGES = "set"
NODES = "nodes"


def command_line(main: Callable[..., None], on_nodes: Callable[..., None] | None = None) -> None:
    """Run a stage's `main` on the arguments of the process.

    What the user can mend (ValueError, OSError) ends in one sentence and exit status 1.

    Args:
        on_nodes: of a stage that can run on several nodes, what does that (components/nodes.py):
            the stage then takes `--nodes`, as Kubeflow passes it.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    section = Path(inspect.getfile(main)).parent.name
    signature = inspect.signature(main).parameters
    try:
        given = _given(inspect.getdoc(main), signature, on_nodes is not None)
        executor_input = given.pop(kubeflow.FLAG, None)
        nodes = given.pop(NODES, 1)
        changes = given.pop(CHANGES, [])
        arguments = {
            name: _value(signature[name], text, section, changes) for name, text in given.items()
        }
        if on_nodes is not None and nodes > 1:
            if changes:
                raise ValueError(f"--{CHANGES} does not go to nodes; expected it in --params")
            paths = (_of(kind, signature, arguments) for kind in (InPath, OutPath))
            on_nodes(f"components.{section}.stage", given, *paths, nodes)
        else:
            _run(main, section, signature, arguments)
        if executor_input is not None:
            kubeflow.write_output(executor_input, _of(OutPath, signature, arguments))
    except (ValueError, OSError) as error:
        sys.exit(f"{section}: {error}")


def _run(
    main: Callable[..., None],
    section: str,
    signature: Mapping[str, inspect.Parameter],
    arguments: Mapping[str, Any],
) -> None:
    told = {section if name == "params" else name: arguments[name]
            for name in arguments if name == "params" or _is_choice(signature[name])}  # fmt: skip
    with tracking.run(section, told) as log:
        log.inputs(**_of(InPath, signature, arguments))
        logs = {name: log for name, wanted in signature.items() if _is_log(wanted)}
        main(**arguments, **logs)
        log.outputs(**_of(OutPath, signature, arguments))


def _of(
    kind: object, signature: Mapping[str, inspect.Parameter], arguments: Mapping[str, Any]
) -> dict[str, Path]:
    return {name: path for name, path in arguments.items() if signature[name].annotation is kind}


def _given(
    description: str | None, signature: Mapping[str, inspect.Parameter], on_nodes: bool
) -> dict[str, Any]:
    """The arguments of the process, by the names of their flags; those that there are."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(f"--{kubeflow.FLAG}", help=argparse.SUPPRESS)
    if on_nodes:
        parser.add_argument(f"--{NODES}", type=int, help=argparse.SUPPRESS)
    for name, parameter in signature.items():
        if _is_log(parameter):
            continue
        choices = get_args(parameter.annotation) if _is_choice(parameter) else None
        required = parameter.default is parameter.empty
        parser.add_argument(f"--{name}", required=required, choices=choices)
    if "params" in signature:
        parser.add_argument(
            f"--{CHANGES}",
            nargs="+",
            action="extend",
            metavar="PARAMETER=VALUE",
            help="in place of what --params says, as network.channels=64",
        )
    return {k: v for k, v in vars(parser.parse_args()).items() if v is not None}


def _is_log(parameter: inspect.Parameter) -> bool:
    return parameter.annotation is tracking.Log


def _is_choice(parameter: inspect.Parameter) -> bool:
    return get_origin(parameter.annotation) is Literal


def _value(parameter: inspect.Parameter, text: str, section: str, changes: Sequence[str]) -> object:
    if parameter.name == "params":
        return parameter_file.read(text, section, parameter.annotation, changes)
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
