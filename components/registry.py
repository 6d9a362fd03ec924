"""The registry of students: one version a model, and the alias of the one to forecast with.

Called when the run of a report is delivered, here or by a later `sync`, so it asks the registry as
it is then. Called again for the same run, it leaves everything as it is.
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components import champion, mlflow_run, model_folder, store
from components.champion import CHAMPION, EXECUTION, TABLE, TABLE_FOLDER
from components.execution import packages
from components.fingerprints import fingerprint

NAME = "nephele-student"
# Tags of a version, beside the run whose table scored it: its content, and what became of it.
FINGERPRINT, DECISION = "fingerprint", "succession"

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
    number, known = str(version.version), version.tags
    told = client.get_run(run).data.tags
    if known.get(EXECUTION) == run:
        return told[DECISION]  # this call was answered before
    client.log_artifact(run, str(files[TABLE]), TABLE_FOLDER)
    client.set_tag(run, "registered_as", f"{NAME} version {number}")

    moves, why = champion.decision(client, NAME, number, files[TABLE])
    sentence = f"{NAME} version {number} {why}"
    if EXECUTION in known:
        sentence = f"the student is known: {sentence}"
    kept = sentence
    if why == champion.REIGNS:
        # How a champion became one stays on its page, and in a run whose call was cut short.
        kept, sentence = known.get(DECISION, sentence), told.get(DECISION, sentence)
    client.set_tag(run, DECISION, sentence)
    # A version that was verified on enough storms stays comparable.
    if EXECUTION not in known or champion.enough(files[TABLE]):
        # The reason before the move, which is no news if the call is repeated after it; last, that
        # the call was answered.
        client.set_model_version_tag(NAME, number, DECISION, kept)
        if moves:
            client.set_registered_model_alias(NAME, CHAMPION, number)
        parts = model_folder.summary(files["model"]), description.strip(), f"**Champion?** {kept}"
        client.update_model_version(NAME, number, description="\n\n".join(parts))
        for name, text in {**tags, EXECUTION: run}.items():
            client.set_model_version_tag(NAME, number, name, text)
    logger.info(sentence)
    return sentence


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
    model = _logged(client, run, digest) or _log(client, run, files, digest)
    return client.create_model_version(
        NAME,
        f"models:/{model.model_id}",
        run_id=model.source_run_id,
        model_id=model.model_id,
        tags={FINGERPRINT: digest},
    )


def _logged(client: Any, run: str, digest: str) -> Any:
    """The model that its training, or `run`, logged on this server; None where there is none."""
    known = [client.get_experiment_by_name(name) for name in _experiments(client, run)]
    ids = [experiment.experiment_id for experiment in known if experiment is not None]
    found = client.search_logged_models(ids, f"tags.{FINGERPRINT} = '{digest}'")
    ready = [model for model in found if str(model.status) == "READY"]
    return max(ready, key=lambda model: model.creation_timestamp, default=None)


def _experiments(client: Any, run: str) -> list[str]:
    """Where trainings log their models: a server may have those of others, too.

    That of `run` comes from whoever began it, who may have named it otherwise than here and now.
    """
    own = client.get_experiment(client.get_run(run).info.experiment_id).name
    return sorted({own, own + store.STAGES, *store.experiments().values()})


def _log(client: Any, run: str, files: Mapping[str, Path], digest: str) -> Any:
    """Log the model by the report's own run: its training is not known to this server."""
    folder = files["model"]
    place = folder.parents[2]  # of the journal, which keeps what it has delivered in files/<number>
    kind, inputs, output = model_folder.served(folder)
    record = {
        "name": kind,
        "kept": str(folder.parent.relative_to(place)),
        "fingerprint": digest,
        "loader": model_folder.LOADER,
        "inputs": inputs,
        "output": output,
        "options": model_folder.OPTIONS,
        "requirements": model_folder.read_requirements(folder),
        "packages": sorted(set(files) - {"model", TABLE}),
    }
    mlflow_run.Run(client, run, place, attached=True).model(record)
    return _logged(client, run, digest)
