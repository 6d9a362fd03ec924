"""What a machine trains faster in: one process of all cores, or one process a core.

    python benchmarks/processes.py [--batch 4 16] [--precision auto fp32]

The teacher of params.yaml on random frames, as `torchrun` starts it: the same batch in one process
with a thread a core, and in as many processes as there are cores. The two take turns, so that a
machine that slows down slows both. Prints a Markdown table of the median step of each turn, and
the ratio of the medians of the turns.
"""

import argparse
import os
import statistics
import subprocess
import sys

import machine
from network_speed import Setting, learning, timed
from scaling import windows

from nephele.learning import processes

CORES = len(os.sched_getaffinity(0))
LAYOUTS = ((1, CORES), (CORES, 1))  # processes, and threads of each
WARM = 2  # steps before those that are timed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, nargs="+", default=[2 * CORES, 8 * CORES])
    parser.add_argument("--precision", nargs="+", default=["auto", "fp32"])
    parser.add_argument("--steps", type=int, default=10, help="that are timed in a turn")
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    if CORES == 1:
        sys.exit("processes: one core; expected several to divide")
    print(machine.described("torch"), end="\n\n")
    names = [f"{count} of {threads}, ms a step" for count, threads in LAYOUTS]
    print(f"| batch | precision | {' | '.join(names)} | ratio |\n|---|---|---|---|---|")
    for precision in options.precision:
        for batch in options.batch:
            turns = [
                [launched(*layout, batch, precision, options.steps) for layout in LAYOUTS]
                for _ in range(options.turns)
            ]
            columns = list(zip(*turns, strict=True))
            told = [", ".join(f"{1e3 * seconds:.0f}" for seconds in column) for column in columns]
            one, several = (statistics.median(column) for column in columns)
            print(
                f"| {batch} | {precision} | {' | '.join(told)} | {several / one:.2f} |", flush=True
            )


def launched(count: int, threads: int, batch: int, precision: str, steps: int) -> float:
    """Seconds of a step in so many processes, the median."""
    command = f"-m torch.distributed.run --standalone --nproc-per-node {count} {__file__} --child"
    given = [f"{batch}", precision, f"{steps}"]
    done = subprocess.run(
        [sys.executable, *command.split(), *given],
        env={**os.environ, "OMP_NUM_THREADS": f"{threads}"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return float(done.stdout)


def child(batch: int, precision: str, steps: int) -> None:
    """One process of a training; the first prints the seconds of its median step."""
    with processes.joined():
        changes = (f"optimisation.precision={precision}",)
        _, training = learning(windows(), Setting("", "", changes, 5), batch)
        for _ in range(WARM):
            next(training)
        seconds = statistics.median(timed(lambda: next(training)) for _ in range(steps))
        if processes.rank() == 0:
            print(seconds)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
    else:
        main()
