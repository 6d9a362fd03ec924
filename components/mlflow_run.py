"""Records of a journal, as MLflow keeps them: one method of `Run` a kind of record.

Every method may be called again with the same record, by whoever goes on where another was cut
short, and leaves one entry: names of files, models and runs come from the journal, not from chance.
"""

import fcntl
import importlib
import io
import json
import logging
import os
import tempfile
import uuid
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from components import views
from components.journal import FILES

# For mlflow, which reads them when it is asked: fail early, and tell nobody.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")  # s
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")  # the journal is there to try again
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")

EXPERIMENT_KIND = {"mlflow.experimentKind": "custom_model_development"}  # its page opens with runs
JOURNAL = "journal"  # the tag that tells which journal a run comes from
MOST_PARAMS, LONGEST_VALUE = 100, 500  # what every MLflow server takes
LONGEST_TAG = 5000
LONGEST_DIGEST = 36  # of a data set
SMALL = 720  # pixels that the pictures above MLflow's slider have at most: it shows no others

KINDS = (
    *("begin", "params", "tags", "metrics", "picture", "artifact", "dataset", "model", "call"),
    "end",
)
UPLOADS = ("picture", "artifact", "model")  # what goes to a store of files
# What a journal may have called: it is a file, and may come from elsewhere.
TARGETS = ("components.registry:register", "components.makers:link")

Values = Mapping[str, Any]


class Unfit(ValueError):
    """A record that is not delivered, whoever wrote it."""


class Run:
    """A run of MLflow, its `id`, which the `client` adds the records of the journal at `place` to.

    An `attached` run was begun by the surroundings, who will end it.
    """

    def __init__(self, client: Any, id: str, place: Path, attached: bool) -> None:
        self.client, self.id, self.place, self.attached = client, id, place, attached

    def begin(self, values: Values) -> None:
        self.tags(values)

    def params(self, values: Values) -> None:
        """A parameter is written once: a run that goes on has its own already."""
        import mlflow.entities

        known = self.client.get_run(self.id).data.params
        new = [
            mlflow.entities.Param(name, value[:LONGEST_VALUE])
            for name, value in values["values"].items()
            # Kubeflow writes the arguments of a task itself, and nothing where one differs.
            if name not in known and not (self.attached and "." not in name)
        ]
        for start in range(0, len(new), MOST_PARAMS):
            self.client.log_batch(self.id, params=new[start : start + MOST_PARAMS])

    def tags(self, values: Values) -> None:
        import mlflow.entities

        tags = values["tags"].items()
        told = [mlflow.entities.RunTag(name, text[:LONGEST_TAG]) for name, text in tags]
        if told:
            self.client.log_batch(self.id, tags=told)

    def metrics(self, values: Values) -> None:
        """Points as [name, value, time in ms, step]; a server keeps each once."""
        import mlflow.entities

        points = [mlflow.entities.Metric(*point) for point in values["points"]]
        self.client.log_batch(self.id, metrics=points)

    def picture(self, values: Values) -> None:
        """A PNG; with a step it is one of those that MLflow's page steps through."""
        name, step, file = values["name"], values["step"], self._kept(values) / "png"
        if step is None:
            place = Path("pictures", f"{name}.png")
            self._upload(file.read_bytes(), place.name, str(place.parent))
            return
        # As MlflowClient.log_image has it, but for the random part of the name.
        unique = uuid.uuid5(uuid.NAMESPACE_OID, f"{self.id} {name} {step}")
        key = name.replace("/", "~")
        stem = f"{key}+step+{step}+timestamp+{values['time']}+{unique}"
        self._upload(file.read_bytes(), f"{stem}.png", "images")
        small = _small(file)
        if small:
            self._upload(small, f"{stem}+compressed.webp", "images")
        self.client.set_tag(self.id, "mlflow.loggedImages", "True")

    def artifact(self, values: Values) -> None:
        kept = self._kept(values) / Path(values["file"]).name
        log = self.client.log_artifacts if kept.is_dir() else self.client.log_artifact
        log(self.id, str(kept), values["folder"])

    def dataset(self, values: Values) -> None:
        """A data set that the run used: where it lies and what it is, no copy."""
        import mlflow.entities as entities

        found = entities.Dataset(
            values["name"],
            values["digest"][:LONGEST_DIGEST],
            "local",
            json.dumps({"uri": values["source"]}),
        )
        context = [entities.InputTag("mlflow.data.context", values["context"])]
        self.client.log_inputs(self.id, [entities.DatasetInput(found, context)])

    def model(self, values: Values) -> None:
        """A trained model, found by the fingerprint of its folder: its tag `fingerprint`."""
        import mlflow.entities as entities
        import mlflow.pyfunc
        from mlflow.models import Model

        model = self._logged_model(values)
        if model.status != entities.LoggedModelStatus.READY:
            described = Model(
                artifact_path=model.artifact_location, run_id=self.id, model_id=model.model_id
            )
            kept = self._kept(values)
            with tempfile.TemporaryDirectory() as folder:
                mlflow.pyfunc.save_model(
                    path=str(Path(folder, "model")),
                    loader_module=values["loader"],
                    data_path=str(kept / "model"),
                    code_paths=[str(kept / package) for package in values["packages"]],
                    mlflow_model=described,
                    signature=_signature(values),
                    pip_requirements=values["requirements"],
                )
                self.client.log_model_artifacts(model.model_id, str(Path(folder, "model")))
            self.client.finalize_logged_model(model.model_id, "READY")
        outputs = self.client.get_run(self.id).outputs
        if model.model_id not in [known.model_id for known in outputs.model_outputs]:
            output = entities.LoggedModelOutput(model.model_id, step=0)
            self.client.log_outputs(self.id, [output])

    def call(self, values: Values) -> None:
        """Call a function `package.module:name` with the client, the run's id and its files."""
        import mlflow

        if values["target"] not in TARGETS:
            raise Unfit(f"{values['target']} is not called, expected {' or '.join(TARGETS)}")
        mlflow.set_tracking_uri(self.client.tracking_uri)  # for what it asks of mlflow itself
        module, name = values["target"].split(":")
        kept = self._kept(values)
        files = {file: kept / Path(file).name for file in values["names"]}
        function = getattr(importlib.import_module(module), name)
        function(self.client, self.id, files, **values["arguments"])

    def end(self, values: Values) -> None:
        """Whoever began a run ends it."""
        if not self.attached:
            self.client.set_terminated(self.id, values["status"], end_time=values["time"])

    def _kept(self, values: Values) -> Path:
        """The folder with the copies of a record; no other folder is read."""
        copies = (self.place / FILES).resolve()
        kept = (self.place / values["kept"]).resolve()
        if kept.parent != copies:
            raise Unfit(f"{values['kept']} lies outside the journal, expected {FILES}/…")
        return kept

    def _upload(self, content: bytes, name: str, place: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, name)
            file.write_bytes(content)
            self.client.log_artifact(self.id, str(file), place)

    def _logged_model(self, values: Values) -> Any:
        """The model of this record, made where there is none yet."""
        run = self.client.get_run(self.id)
        record = f"{self.place.name}/{values['kept']}"
        for known in self.client.search_logged_models(
            [run.info.experiment_id], f"source_run_id = '{self.id}'"
        ):
            if known.tags.get(JOURNAL) == record:
                return known
        return self.client.create_logged_model(
            run.info.experiment_id,
            values["name"],
            source_run_id=self.id,
            tags={JOURNAL: record, "fingerprint": values["fingerprint"]},
            params=run.data.params,
            model_type=values["loader"],
        )


def connect(uri: str) -> Any:
    """A client of the server or database at `uri`, whose tables are there."""
    import mlflow

    _quiet()
    with _one_at_a_time(uri):
        return mlflow.MlflowClient(uri)


def begun(client: Any, begin: Values, name: str) -> str:
    """The id of the run that the record `begin` of the journal `name` begins, made if need be."""
    if begin["attached"]:
        return begin["attached"]
    experiment = begin["experiment"] or _experiment(client, begin)
    known = client.search_runs([experiment], f"tags.{JOURNAL} = '{name}'", max_results=1)
    if known:
        return known[0].info.run_id
    tags = {**begin["tags"], JOURNAL: name}
    return client.create_run(experiment, begin["time"], tags, begin["name"]).info.run_id


def _experiment(client: Any, begin: Values) -> str:
    """The id of the experiment; all of `experiments` exist then, in this order."""
    with _one_at_a_time(client.tracking_uri):
        executions, stages = begin["experiments"]
        tags = {executions: EXPERIMENT_KIND | views.scores(), stages: EXPERIMENT_KIND}
        found = {name: _named(client, name, begin["artifacts"], tags[name]) for name in tags}
    return found[begin["experiment_name"]]


def _named(client: Any, name: str, artifacts: str | None, tags: dict[str, str]) -> str:
    from mlflow.exceptions import MlflowException

    known = client.get_experiment_by_name(name)
    if known is None:
        try:
            return client.create_experiment(name, artifacts, tags)
        except MlflowException:  # somebody else was faster, or the server has a reason to tell
            known = client.get_experiment_by_name(name)
            if known is None:
                raise
    for tag in tags.keys() - known.tags.keys():  # of a store that is older than the tag
        client.set_experiment_tag(known.experiment_id, tag, tags[tag])
    return known.experiment_id


@contextmanager
def _one_at_a_time(uri: str) -> Iterator[None]:
    """Processes that start together must not all make the tables of a new database."""
    database = uri.removeprefix("sqlite:///")
    if database == uri:
        yield
        return
    with Path(f"{database}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _quiet() -> None:
    """Keep the tools below MLflow from telling what whoever delivers tells once."""
    for name in ("alembic", "mlflow", "urllib3", "git"):
        logging.getLogger(name).setLevel(logging.ERROR)
    # The signature is given; an example would only be a megabyte of JSON.
    warnings.filterwarnings("ignore", message=".*input example", module="mlflow")


def _small(file: Path) -> bytes:
    """The picture as MLflow's page shows it among others; empty where there can be none, as of
    what is no picture, or without pillow: the page then has the large one alone.
    """
    with suppress(ImportError, OSError, ValueError):
        from mlflow.tracking.multimedia import Image, compress_image_size

        buffer = io.BytesIO()
        picture = Image(str(file)).to_pil().convert("RGB")  # a palette does not scale
        compress_image_size(picture, SMALL).save(buffer, "webp")
        return buffer.getvalue()
    return b""


def _signature(values: Values) -> Any:
    import numpy as np
    from mlflow.models import ModelSignature
    from mlflow.types import ParamSchema, ParamSpec, Schema, TensorSpec

    kind = np.dtype("float32")
    options = [ParamSpec(option, "long", value) for option, value in values["options"].items()]
    inputs = [TensorSpec(kind, tuple(shape), name) for name, shape in values["inputs"].items()]
    output = TensorSpec(kind, tuple(values["output"]))
    return ModelSignature(Schema(inputs), Schema([output]), ParamSchema(options))
