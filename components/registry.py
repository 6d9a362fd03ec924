"""The registry of students: one version a model, and the alias of the one that forecasters use.

Called when the run of a report is delivered, here or by a later `sync`, so it asks the registry as
it is then. Called again for the same run, it leaves everything as it is.
"""

import logging
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from components import mlflow_run, model_folder
from components.execution import packages
from components.fingerprints import fingerprint
from nephele.evaluation.succession import Succession, succession

NAME, CHAMPION = "nephele-student", "champion"
FORECAST = "student"  # its column in the table of CRPS by window
TABLE_FOLDER, TABLE = "verification", "crps_by_window.csv"
# Tags of a version: its content, the run whose table scored it, and what became of it.
FINGERPRINT, EXECUTION, DECISION = "fingerprint", "execution", "succession"
REIGNS = f"is the {CHAMPION} already"

ABOUT = (
    "Forecasts a storm's infrared brightness temperature as an ensemble, from four satellite "
    "frames alone. The alias `champion` is the version to use: it moves only to a version whose "
    "CRPS is better on the same test storms by more than noise."
)

logger = logging.getLogger(__name__)


def contents(model: Path, by_window: Path) -> dict[str, Path]:
    """The files that `register` needs."""
    return {"model": model, TABLE: by_window, **packages()}


def register(
    client: Any,
    run: str,
    files: Mapping[str, Path],
    tags: Mapping[str, str],
    description: str,
) -> str:
    """Register the model, unless it is known; move the champion's alias to it, if it is better.

    Args:
        client: an MlflowClient.
        run: the id of the report's run. The table of CRPS becomes its artifact, where later
            models find it.
        files: as `contents` has them.
        tags: of the version: what was measured, and on which data.
        description: of the version, in Markdown.

    Returns:
        A sentence: which version it is, and whether it is the champion now, or why not.
    """
    digest = fingerprint(files["model"])
    _create(client)
    version = _version(client, digest) or _created(client, run, files, digest)
    number = str(version.version)
    if version.tags.get(EXECUTION) == run:
        return client.get_run(run).data.tags[DECISION]  # this call was answered before
    client.log_artifact(run, str(files[TABLE]), TABLE_FOLDER)

    moves, why = _decision(client, number, files[TABLE])
    sentence = f"{NAME} version {number} {why}"
    if EXECUTION in version.tags:
        sentence = f"the student is known: {sentence}"
    # How a champion became one stays on its page.
    kept = version.tags.get(DECISION, sentence) if why == REIGNS else sentence
    parts = model_folder.summary(files["model"]), description.strip(), f"**Champion?** {kept}"
    client.update_model_version(NAME, number, description="\n\n".join(parts))
    client.set_tag(run, "registered_as", f"{NAME} version {number}")
    client.set_tag(run, DECISION, sentence)
    if moves:
        client.set_registered_model_alias(NAME, CHAMPION, number)
    for name, text in {**tags, EXECUTION: run, DECISION: kept}.items():
        client.set_model_version_tag(NAME, number, name, text)
    logger.info(sentence)
    return sentence


def _decision(client: Any, number: str, table: Path) -> tuple[bool, str]:
    """Whether version `number` takes the alias, and the rest of a sentence that says why."""
    reigning = client.get_registered_model(NAME).aliases.get(CHAMPION)
    if reigning is None:
        return True, f"is the {CHAMPION}: there was none before"
    reigning = str(reigning)
    if reigning == number:
        return False, REIGNS
    found = _compared(client, table, client.get_model_version(NAME, reigning))
    if found.moves:
        return True, f"takes the place of version {reigning} as {CHAMPION}, {found.sentence}"
    return False, f"does not take the place of version {reigning} as {CHAMPION}, {found.sentence}"


def _compared(client: Any, table: Path, champion: Any) -> Succession:
    execution = champion.tags.get(EXECUTION)
    if execution is None:
        return Succession(
            False,
            f"not comparable: version {champion.version} has no tag {EXECUTION} that names the run "
            "of its verification; move the alias by hand",
        )
    with tempfile.TemporaryDirectory() as folder:
        try:
            place = client.download_artifacts(execution, f"{TABLE_FOLDER}/{TABLE}", folder)
        except Exception as error:
            if not _missing(client, execution):
                raise
            return Succession(
                False,
                f"not comparable: run {execution} has no {TABLE_FOLDER}/{TABLE} of the champion "
                f"any more ({_line(error)}); verify it again, or move the alias by hand",
            )
        try:
            new, old = (pd.read_csv(file, dtype={"storm": str}) for file in (table, place))
            return succession(new, old, FORECAST)
        except ValueError as error:
            return Succession(False, f"not comparable: {error}")


def _missing(client: Any, run: str) -> bool:
    """Whether the table of a run is gone; False where the server only does not answer."""
    from mlflow.exceptions import MlflowException

    try:
        paths = [artifact.path for artifact in client.list_artifacts(run, TABLE_FOLDER)]
    except MlflowException as error:
        return error.get_http_status_code() == 404
    return f"{TABLE_FOLDER}/{TABLE}" not in paths


def _create(client: Any) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(NAME, description=ABOUT)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _version(client: Any, digest: str) -> Any:
    """The version of the model with this fingerprint; None where there is none."""
    known = client.search_model_versions(f"name = '{NAME}' and tags.{FINGERPRINT} = '{digest}'")
    return min(known, key=lambda version: int(version.version), default=None)


def _created(client: Any, run: str, files: Mapping[str, Path], digest: str) -> Any:
    """A new version, of the model that its training logged, where this server knows that."""
    model = _logged(client, digest) or _log(client, run, files, digest)
    return client.create_model_version(
        NAME,
        f"models:/{model.model_id}",
        run_id=model.source_run_id,
        model_id=model.model_id,
        tags={FINGERPRINT: digest},
    )


def _logged(client: Any, digest: str) -> Any:
    """The model that its training logged on this server; None where there is none."""
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    found = client.search_logged_models(experiments, f"tags.{FINGERPRINT} = '{digest}'")
    ready = [model for model in found if str(model.status) == "READY"]
    return max(ready, key=lambda model: model.creation_timestamp, default=None)


def _log(client: Any, run: str, files: Mapping[str, Path], digest: str) -> Any:
    """Log the model by the report's own run: its training is not known to this server."""
    folder = files["model"]
    kind, inputs, output = model_folder.served(folder)
    record = {
        "name": kind,
        "kept": folder.parent.name,
        "fingerprint": digest,
        "loader": model_folder.LOADER,
        "inputs": inputs,
        "output": output,
        "options": model_folder.OPTIONS,
        "requirements": model_folder.read_requirements(folder),
        "packages": sorted(set(files) - {"model", TABLE}),
    }
    mlflow_run.Run(client, run, folder.parents[1], attached=True).model(record)
    return _logged(client, digest)


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [repr(error)])[0]
