"""Who made what, as MLflow knows it: the runs by the fingerprints of what they wrote and read."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from components import mlflow_run

INPUT, OUTPUT = "input.", "output."
NOTE = "mlflow.note.content"
EXECUTIONS = ("KFP_RUN_NAME", "KFP_RUN_ID", "DVC_EXP_NAME")
AT_ONCE = 1000  # runs in a request


@dataclass(frozen=True)
class Made:
    """A run, as far as it made something.

    Attributes:
        run: MLflow's id.
        stage: its name; DVC's where DVC ran it, which tells the role too.
        ended: when, in UTC; None where it has not.
        status: MLflow's.
        orchestrator: `dvc`, `kubeflow`, `by hand`.
        execution: the experiment's name or the run's id that the orchestrator gave, if any.
        revision: git's, with `-dirty` where the sources differed from it.
        params: by dotted names.
        inputs: name → fingerprint of what it read.
        outputs: name → fingerprint of what it wrote.
    """

    run: str
    stage: str
    ended: datetime | None
    status: str
    orchestrator: str
    execution: str
    revision: str
    params: Mapping[str, str]
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]


def makers(uri: str) -> dict[str, list[Made]]:
    """Fingerprint → the runs that wrote what has it, the first one first.

    Args:
        uri: the server or database.

    Raises:
        ValueError: MLflow does not answer there.
    """
    found = defaultdict(list)
    database = uri.removeprefix("sqlite:///")
    if database != uri and not Path(database).is_file():
        raise ValueError(
            f"no runs: there is no {database}, expected the database of the runs; run a stage, or "
            "set MLFLOW_TRACKING_URI to the server that has them"
        )
    try:
        runs = _runs(mlflow_run.connect(uri))
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else repr(error)
        raise ValueError(
            f"MLflow at {uri} fails ({reason}), expected the server or database that has the runs; "
            "set MLFLOW_TRACKING_URI"
        ) from error
    for run in sorted(runs, key=lambda run: run.info.start_time):
        made = _made(run)
        for fingerprint in set(made.outputs.values()):
            found[fingerprint].append(made)
    return dict(found)


def link(client: Any, run: str, files: Mapping[str, Path], note: str) -> None:
    """Have a run tell which runs led to it: as tags `stage.<name>`, and below its description.

    Args:
        client: of MLflow.
        run: the id of one that read what others wrote; MLflow has its inputs already.
        files: none.
        note: the description, Markdown.
    """
    runs = _runs(client)
    experiments = {other.info.run_id: other.info.experiment_id for other in runs}
    wrote: dict[str, Made] = {}
    for made in map(_made, sorted(runs, key=lambda other: other.info.start_time)):
        wrote |= dict.fromkeys(made.outputs.values(), made)  # the latest of those that did
    (itself,) = (made for made in map(_made, runs) if made.run == run)
    found: dict[str, Made] = {}
    todo = list(itself.inputs.values())
    while todo:
        made = wrote.get(todo.pop(), itself)
        if made.run != run and made.stage not in found:
            found[made.stage] = made
            todo += made.inputs.values()
    ordered = sorted(found.values(), key=lambda made: (made.ended is None, made.ended, made.stage))
    for made in ordered:
        client.set_tag(run, f"stage.{made.stage.replace('@', '.')}", made.run)
    lines = [
        f"- [{made.stage}](#/experiments/{experiments[made.run]}/runs/{made.run}), "
        f"{made.orchestrator}"
        for made in ordered
    ]
    if lines:
        client.set_tag(run, NOTE, "\n".join([note, "Runs of its stages:", "", *lines, ""]))


def _runs(client: Any) -> list[Any]:
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    runs, token = [], None
    while True:
        page = client.search_runs(experiments, max_results=AT_ONCE, page_token=token)
        runs += page
        token = page.token
        if not token:
            return runs


def _made(run: Any) -> Made:
    tags, ended = run.data.tags, run.info.end_time
    named = tags.get("stage", run.info.run_name)
    dirty = "-dirty" if tags.get("git_dirty") == "true" else ""
    return Made(
        run=run.info.run_id,
        stage=tags.get("DVC_STAGE") or tags.get("KFP_TASK") or named,
        ended=datetime.fromtimestamp(ended / 1000, UTC) if ended else None,
        status=run.info.status,
        orchestrator=tags.get("orchestrator", "unknown"),
        execution=next((tags[name] for name in EXECUTIONS if name in tags), ""),
        revision=f"{tags['git_revision']}{dirty}" if "git_revision" in tags else "",
        params=run.data.params,
        inputs=_tagged(tags, INPUT),
        outputs=_tagged(tags, OUTPUT),
    )


def _tagged(tags: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {k.removeprefix(prefix): tags[k] for k in sorted(tags) if k.startswith(prefix)}
