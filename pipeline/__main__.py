"""The pipeline's command line: `python -m pipeline` with one of its commands.

A command that compiles takes overlays, such as experiments/tiny.yaml: parameters in which it
differs from params.yaml, later ones over earlier ones.
"""

import argparse
import signal
import sys
from pathlib import Path

from nephele import parameter_file, typed
from nephele.params import KUBEFLOW
from pipeline import settings


def main() -> None:
    """Run one of the commands."""
    parser = argparse.ArgumentParser(prog="python -m pipeline", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    checked = commands.add_parser("check", help="check all parameters; silent where all is well")
    compiled = commands.add_parser("compile", help="write the Kubeflow pipeline")
    submitted = commands.add_parser("submit", help="upload the pipeline and start a run")
    ran = commands.add_parser("run-local", help="run it in containers on this machine")
    for command in (checked, compiled, submitted, ran):
        command.add_argument("overlays", type=Path, nargs="*", help="such as experiments/real.yaml")
        command.add_argument("--params", default="params.yaml")

    compiled.add_argument("--output", type=Path, default=Path("nephele.yaml"))
    compiled.add_argument("--kubernetes", action="store_true", help="as manifests for kubectl")
    compiled.add_argument("--namespace", help="of the manifests")

    submitted.add_argument("--host", help="such as http://127.0.0.1:8080; or KF_PIPELINES_ENDPOINT")
    submitted.add_argument("--experiment", default="nephele")
    submitted.add_argument("--run-name", help="in place of the version's name and the time")
    submitted.add_argument("--namespace", help="where several users have one each")
    submitted.add_argument("--wait", action="store_true", help="for its end; fail if it fails")

    ran.add_argument("--output", type=Path, default=Path("runs"))
    ran.add_argument("--network", default="", help="of the containers, such as host")
    ran.add_argument("--data", type=Path, help="the archive that acquire reads, at kubeflow.data")
    ran.add_argument("--env", action="append", default=[], metavar="NAME=VALUE")

    traced = commands.add_parser("lineage", help="print who made a file or folder, of what")
    traced.add_argument("path", type=Path)
    traced.add_argument("--json", action="store_true", help="for programs")

    printed = commands.add_parser("settings", help="print an overlay as options of `dvc exp run`")
    printed.add_argument("overlay", type=Path, help="a file such as experiments/real.yaml")
    printed.add_argument("more", nargs="*", metavar="key=value", help="further settings, as text")

    arguments = parser.parse_args()
    try:
        COMMANDS[arguments.command](arguments)
    except (ValueError, OSError) as error:
        sys.exit(f"pipeline {arguments.command}: {error}")
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


def _check(arguments: argparse.Namespace) -> None:
    _sections(arguments)


def _compile(arguments: argparse.Namespace) -> None:
    from pipeline import graph  # kfp takes its time, and not every command needs it

    sections = _sections(arguments)
    if arguments.kubernetes:
        graph.write_manifest(sections, arguments.output, arguments.namespace)
    else:
        graph.write(sections, arguments.output)


def _submit(arguments: argparse.Namespace) -> None:
    from pipeline import submission

    sections = _sections(arguments)
    run = submission.submit(
        typed.load(arguments.params),
        sections,
        submission.Target(arguments.host, arguments.namespace),
        arguments.experiment,
        arguments.run_name,
    )
    print(run.link)
    if arguments.wait:
        submission.wait(run)


def _run_local(arguments: argparse.Namespace) -> None:
    from pipeline import artifacts, graph, local

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # as Ctrl-C: tidily
    # What fails here fails again: nothing but this machine could have changed.
    sections = settings.overlaid(_sections(arguments), {KUBEFLOW: {"retries": {"times": 0}}})
    compiled = arguments.output / local.COMPILED
    graph.write(sections, compiled)
    machine = local.Machine(
        network=arguments.network,
        environment=local.environment(arguments.env),
        data=arguments.data,
        data_path=sections[KUBEFLOW]["data"]["path"],
    )
    places = local.run(compiled, graph.arguments(sections), arguments.output, machine)
    artifacts.link(places, arguments.output)
    for path, place in sorted(places.items()):
        print(f"{arguments.output / path}  {place.relative_to(arguments.output.resolve())}")


def _lineage(arguments: argparse.Namespace) -> None:
    from pipeline import lineage

    lineage.run(arguments.path, arguments.json)


def _settings(arguments: argparse.Namespace) -> None:
    print(settings.options(settings.read(arguments.overlay), arguments.more))


def _sections(arguments: argparse.Namespace) -> dict:
    """All sections of the parameters with the overlays in their places, checked."""
    values, name = typed.load(arguments.params), arguments.params
    for overlay in arguments.overlays:
        values, name = settings.overlaid(values, settings.read(overlay)), f"{name} with {overlay}"
    parameter_file.check(values, name)
    return values


COMMANDS = {
    "check": _check,
    "compile": _compile,
    "submit": _submit,
    "run-local": _run_local,
    "lineage": _lineage,
    "settings": _settings,
}


if __name__ == "__main__":
    main()
