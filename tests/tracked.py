"""A folder to track in, and what MLflow has of a run."""

from pathlib import Path
from typing import Any

import mlflow

SURROUNDINGS = (
    *("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME"),
    *("NEPHELE_SPOOL", "NEPHELE_GIT_REVISION", "DVC_STAGE", "DVC_EXP_NAME"),
    *("KFP_RUN_ID", "KFP_RUN_NAME", "KFP_TASK"),
)


def enter(folder: Path, monkeypatch: Any, uri: str = "") -> Path:
    """Be in `folder`, with no surroundings but the tracking server `uri`, if any."""
    for name in SURROUNDINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(folder)
    if uri:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    return folder


def client(uri: str) -> mlflow.MlflowClient:
    return mlflow.MlflowClient(uri)


def runs(uri: str) -> list[Any]:
    """Every run of every experiment, the oldest first."""
    known = client(uri)
    experiments = [experiment.experiment_id for experiment in known.search_experiments()]
    return list(known.search_runs(experiments, order_by=["attributes.start_time"]))


def steps(uri: str, run: str, metric: str) -> list[int]:
    """The steps of a metric's points, sorted; a step twice is in it twice."""
    return sorted(point.step for point in client(uri).get_metric_history(run, metric))


def artifacts(uri: str, run: str, folder: str | None = None) -> list[str]:
    found: list[str] = []
    for file in client(uri).list_artifacts(run, folder):
        found += artifacts(uri, run, file.path) if file.is_dir else [file.path]
    return sorted(found)
