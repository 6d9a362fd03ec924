"""The pipeline's command line: `python -m pipeline compile`, `python -m pipeline settings`."""

import argparse
import sys
from pathlib import Path

from pipeline import settings


def main() -> None:
    """Run one of the two commands."""
    parser = argparse.ArgumentParser(prog="python -m pipeline", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    compiled = commands.add_parser("compile", help="write the Kubeflow pipeline")
    compiled.add_argument("--params", type=Path, default=Path("params.yaml"))
    compiled.add_argument("--output", type=Path, default=Path("nephele.yaml"))

    printed = commands.add_parser("settings", help="print an overlay as options of `dvc exp run`")
    printed.add_argument("overlay", type=Path, help="a file such as experiments/real.yaml")
    printed.add_argument("more", nargs="*", metavar="key=value", help="further settings, as text")

    arguments = parser.parse_args()
    try:
        if arguments.command == "settings":
            print(settings.options(settings.read(arguments.overlay), arguments.more))
        else:
            from pipeline import graph  # kfp takes its time, and only this command needs it

            graph.write(arguments.params, arguments.output)
    except (ValueError, OSError) as error:
        sys.exit(f"pipeline {arguments.command}: {error}")


if __name__ == "__main__":
    main()
