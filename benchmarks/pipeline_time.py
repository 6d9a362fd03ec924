"""Where the time of `make repro` goes, stage by stage.

    python benchmarks/pipeline_time.py [--tracking sqlite:///mlflow.db]

Of the latest finished run of each stage, as MLflow has it: how long it took, and how busy the
machine's cores were (the mean of samples ten seconds apart; a stage that is over sooner has none).
Beside it, what it takes to start: `--help` imports all that the stage imports when it begins; the
median of several. What remains of `make repro` is dvc's own.
"""

import argparse
import statistics
import subprocess
import sys
import time

import machine
import mlflow
import yaml

EXPERIMENTS = ("nephele-stages", "nephele")  # the report is a run of the whole


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tracking", default="sqlite:///mlflow.db")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    mlflow.set_tracking_uri(options.tracking)
    print(machine.described("dvc", "mlflow", "torch"), end="\n\n")
    with open("dvc.yaml") as file:
        stages = list(names(yaml.safe_load(file)["stages"]))
    lasted = {stage: run(stage) for stage in stages}
    total = sum(found[0] for found in lasted.values() if found)
    print("| stage | s | share | cores busy | s to start |\n|---|---|---|---|---|")
    for stage, found in lasted.items():
        start = statistics.median(started(stage) for _ in range(options.repeats))
        told = (
            "– | – | –"
            if found is None
            else f"{found[0]:.0f} | {found[0] / total:.0%} | {found[1]}"
        )
        print(f"| {stage} | {told} | {start:.1f} |", flush=True)
    print(f"| all | {total:.0f} | | | |")


def names(stages: dict) -> list[str]:
    """Of the stages as DVC calls them; of one that stands for several, of each."""
    found = []
    for name, stage in stages.items():
        (values,) = stage.get("matrix", {"": []}).values()
        variants = [f"{name}@{value}" for value in values]
        found += variants or [name]
    return found


def run(stage: str) -> tuple[float, str] | None:
    """Seconds of its latest run, and how busy the machine was."""
    client = mlflow.MlflowClient()
    experiments = [client.get_experiment_by_name(name) for name in EXPERIMENTS]
    if None in experiments:
        sys.exit(f"pipeline_time: no experiment {EXPERIMENTS} there; run `make repro` first")
    where = f"tags.DVC_STAGE = '{stage}' and attributes.status = 'FINISHED'"
    latest = client.search_runs(
        [each.experiment_id for each in experiments],
        where,
        max_results=1,
        order_by=["start_time DESC"],
    )
    if not latest:
        return None
    info = latest[0].info
    busy = client.get_metric_history(info.run_id, "system/cpu_utilization_percentage")
    share = f"{statistics.mean(one.value for one in busy):.0f} %" if busy else "–"
    return (info.end_time - info.start_time) / 1000, share


def started(stage: str) -> float:
    begin = time.perf_counter()
    module = f"components.{stage.split('@')[0]}.stage"
    subprocess.run([sys.executable, "-m", module, "--help"], check=True, capture_output=True)
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
