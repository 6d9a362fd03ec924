"""Who made what, as MLflow knows it: the runs by the fingerprints of what they wrote and read."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from components import mlflow_run
from components.store import without_credentials

INPUT, OUTPUT = "input.", "output."
NOTE = "mlflow.note.content"
EXECUTIONS = ("KFP_RUN_NAME", "KFP_RUN_ID", "DVC_EXP_NAME")
AT_ONCE = 1000  # runs, or experiments, in a request
OURS = "tags.stage LIKE '%' and tags.`mlflow.source.name` LIKE 'components.%'"


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
        reason = without_credentials(str(error)).splitlines()[0] if str(error) else repr(error)
        raise ValueError(
            f"MLflow at {without_credentials(uri)} fails ({reason}), expected the server or "
            "database that has the runs; set MLFLOW_TRACKING_URI"
        ) from error
    for run in runs:
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

    Whenever it is called, what came after the run did not lead to it: of several that wrote the
    same, it is the last that had ended when the run began, or else the last that had begun.
    """
    itself = client.get_run(run)
    began = itself.info.start_time
    runs = _runs(client, f"attributes.start_time <= {began}")
    runs.sort(key=lambda other: 0 < (other.info.end_time or 0) <= began)  # stable: by their starts
    experiments = {other.info.run_id: other.info.experiment_id for other in runs}
    wrote: dict[str, Made] = {}
    for made in map(_made, runs):
        wrote |= dict.fromkeys(made.outputs.values(), made)
    found: dict[str, Made] = {}
    todo = list(_made(itself).inputs.values())
    while todo:
        maker = wrote.get(todo.pop())
        if maker and maker.run != run and maker.stage not in found:
            found[maker.stage] = maker
            todo += maker.inputs.values()
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


def _runs(client: Any, *conditions: str) -> list[Any]:
    """The runs of stages, in whichever experiments they are, the first one first.

    Kubeflow puts them into an experiment of its own, so all are searched; but a server has the
    runs of others too, which it need not send.
    """
    experiments = [found.experiment_id for found in _pages(client.search_experiments)]
    return _pages(
        client.search_runs,
        experiment_ids=experiments,
        filter_string=" and ".join((OURS, *conditions)),
        order_by=["attributes.start_time ASC"],
    )


def _pages(search: Callable[..., Any], **wanted: Any) -> list[Any]:
    found, token = [], None
    while True:
        page = search(**wanted, max_results=AT_ONCE, page_token=token)
        found += page
        token = page.token
        if not token:
            return found


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
