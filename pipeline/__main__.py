"""The pipeline's command line: `python -m pipeline` with `check`, `compile` or `settings`."""

import argparse
import sys
from pathlib import Path

from nephele import params, typed
from pipeline import settings


def main() -> None:
    """Run one of the commands."""
    parser = argparse.ArgumentParser(prog="python -m pipeline", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    checked = commands.add_parser("check", help="check all parameters; silent where all is well")
    checked.add_argument("--params", default="params.yaml")
    checked.add_argument("overlay", type=Path, nargs="?", help="such as experiments/real.yaml")

    compiled = commands.add_parser("compile", help="write the Kubeflow pipeline")
    compiled.add_argument("--params", type=Path, default=Path("params.yaml"))
    compiled.add_argument("--output", type=Path, default=Path("nephele.yaml"))

    printed = commands.add_parser("settings", help="print an overlay as options of `dvc exp run`")
    printed.add_argument("overlay", type=Path, help="a file such as experiments/real.yaml")
    printed.add_argument("more", nargs="*", metavar="key=value", help="further settings, as text")

    arguments = parser.parse_args()
    try:
        if arguments.command == "check":
            _check(arguments.params, arguments.overlay)
        elif arguments.command == "settings":
            print(settings.options(settings.read(arguments.overlay), arguments.more))
        else:
            from pipeline import graph  # kfp takes its time, and only this command needs it

            graph.write(arguments.params, arguments.output)
    except (ValueError, OSError) as error:
        sys.exit(f"pipeline {arguments.command}: {error}")


def _check(file: str, overlay: Path | None) -> None:
    values, name = typed.load(file), file
    if overlay is not None:
        values, name = settings.overlaid(values, settings.read(overlay)), f"{file} with {overlay}"
    params.check(values, name)


if __name__ == "__main__":
    main()
