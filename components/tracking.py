"""What a stage did, in MLflow. No other module knows MLflow.

    with tracking.run("pretrain_teacher", params) as log:
        log.metrics(step, loss=loss)
        log.picture("samples", figure, step)
        log.outputs(teacher=folder)

The runs lie in `mlflow.db` and `mlartifacts` of the current folder, or where
MLFLOW_TRACKING_URI says; a run that the surroundings have begun (MLFLOW_RUN_ID,
as Kubeflow sets it) is continued. Nothing that a stage writes depends on it:
everything is handed to one thread, and the first failure ends the tracking with
one warning while the stage goes on. Without mlflow installed nothing happens.
"""

import fcntl
import io
import logging
import os
import queue
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from components.execution import flat, requirements, surroundings
from components.fingerprints import fingerprint

# For mlflow, which reads them when it is imported: fail early, and tell nobody.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")  # s
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")

try:
    import mlflow
except ImportError:
    mlflow = None

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EXPERIMENT = "nephele"
KIND = {"mlflow.experimentKind": "custom_model_development"}  # so its page opens with the runs
PATIENCE = 30.0  # s without any progress at the end of a stage, then the rest is given up
BATCH_SECONDS = 5.0  # between two deliveries of metrics
MOST_METRICS, MOST_PARAMS, LONGEST_VALUE = 500, 100, 500  # what every MLflow server takes

OPTIONS = {"members": 8, "seed": 0}  # of a model that forecasts, besides its inputs

Shape = tuple[int, ...]

logger = logging.getLogger(__name__)


@contextmanager
def run(stage: str, params: object) -> Iterator["Log"]:
    """The log of one stage's run, which ends with the block: well, or as failed.

    Args:
        stage: the run's name, where DVC does not know a better one.
        params: a dataclass or a mapping, nested as deep as you like.
    """
    log = Log()
    if mlflow is not None:
        log.begin(stage, flat(params))
    try:
        yield log
    except BaseException:
        log.end("FAILED")
        raise
    log.end("FINISHED")


class Log:
    """One run of MLflow, seen by a stage. No method waits, none raises for MLflow's sake."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._worker: threading.Thread | None = None
        self._failed = False
        self._done = 0
        self._run = ""
        self._metrics: list[tuple[str, float, int, int]] = []
        self._delivered = time.monotonic()

    def metrics(self, step: int, **values: float) -> None:
        """Points of curves, by their names; delivered in batches."""
        now = int(time.time() * 1000)
        self._metrics += [(name, float(value), now, step) for name, value in values.items()]
        due = time.monotonic() - self._delivered > BATCH_SECONDS
        if due or len(self._metrics) >= MOST_METRICS:
            self._deliver()

    def params(self, params: object) -> None:
        """Further parameters of the run, nested as deep as you like."""
        self._submit(lambda: self._parameters(flat(params)))

    def picture(self, name: str, picture: "bytes | Path | Figure", step: int | None = None) -> None:
        """A PNG, its file or a figure of matplotlib, at `pictures/<name>/<step>.png`."""
        if self._worker is None:
            return
        name = name.removesuffix(".png")
        place = f"pictures/{name}.png" if step is None else f"pictures/{name}/{step:06d}.png"
        if isinstance(picture, bytes):
            png = picture
        elif isinstance(picture, Path):
            png = picture.read_bytes()
        else:
            buffer = io.BytesIO()
            picture.savefig(buffer, format="png")
            png = buffer.getvalue()
        self._submit(lambda: _log_bytes(self._run, png, place))

    def artifact(self, path: Path, folder: str | None = None) -> None:
        """A file, or a folder with all in it; `path` must stay until the run ends."""
        log = "log_artifacts" if path.is_dir() else "log_artifact"
        self._submit(lambda: getattr(mlflow.MlflowClient(), log)(self._run, str(path), folder))

    def model(
        self, name: str, folder: Path, loader: str, inputs: Mapping[str, Shape], output: Shape
    ) -> None:
        """A trained model that `mlflow.pyfunc.load_model` brings back.

        Args:
            name: what MLflow calls it.
            folder: its files, of which none is a pickle.
            loader: the module whose `_load_pyfunc` reads them.
            inputs: shapes of the arrays that it takes, -1 where any size fits.
            output: shape of the array that it returns.
        """
        self._submit(lambda: _log_model(name, folder, loader, dict(inputs), output))

    def inputs(self, **paths: Path) -> None:
        """The fingerprints of what the stage read, as tags `input.<name>`."""
        self._submit(lambda: self._tag("input", paths))

    def outputs(self, **paths: Path) -> None:
        """The fingerprints of what the stage wrote, as tags `output.<name>`."""
        self._submit(lambda: self._tag("output", paths))

    def begin(self, stage: str, params: dict[str, str]) -> None:
        """Start the thread that speaks to MLflow, with the run as its first job."""
        self._worker = threading.Thread(target=self._work, name="tracking", daemon=True)
        self._submit(lambda: self._start(stage, params))
        self._worker.start()

    def end(self, status: str) -> None:
        """End the run and wait until all is delivered, as long as there is progress."""
        if self._worker is None:
            return
        self._deliver()
        self._submit(lambda: mlflow.end_run(status))
        self._jobs.put(None)
        done = -1
        while self._worker.is_alive() and self._done > done:
            done = self._done
            self._worker.join(PATIENCE)
        if self._worker.is_alive():
            self._give_up(f"no answer for {PATIENCE:.0f} s")

    def _start(self, stage: str, params: dict[str, str]) -> None:
        quiet()
        mlflow.set_tracking_uri(tracking_uri())
        attached = os.environ.get("MLFLOW_RUN_ID")
        if attached:
            active = mlflow.start_run(run_id=attached)
        else:
            names = os.environ.get("DVC_STAGE", stage), os.environ.get("DVC_EXP_NAME", "")
            active = mlflow.start_run(experiment_id=experiment(), run_name=" ".join(names).strip())
        self._run = active.info.run_id
        mlflow.set_tags({"stage": stage} | surroundings())
        self._parameters(params)

    def _parameters(self, params: dict[str, str]) -> None:
        # A parameter is written once: a run that goes on has its own already.
        known = mlflow.get_run(self._run).data.params
        new = {k: v[:LONGEST_VALUE] for k, v in params.items() if k not in known}
        for start in range(0, len(new), MOST_PARAMS):
            mlflow.log_params(dict(list(new.items())[start : start + MOST_PARAMS]))

    def _tag(self, direction: str, paths: dict[str, Path]) -> None:
        mlflow.set_tags({f"{direction}.{name}": fingerprint(path) for name, path in paths.items()})

    def _deliver(self) -> None:
        points, self._metrics = self._metrics, []
        self._delivered = time.monotonic()
        for start in range(0, len(points), MOST_METRICS):
            batch = points[start : start + MOST_METRICS]
            self._submit(lambda batch=batch: _log_metrics(self._run, batch))  # type: ignore[misc]

    def _submit(self, job: Callable[[], None]) -> None:
        if self._worker is not None and not self._failed:
            self._jobs.put(job)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            if self._failed:
                continue
            try:
                job()
                self._done += 1
            except Exception as error:  # whatever MLflow raises, the training must not end of it
                self._give_up(str(error).splitlines()[0] if str(error) else repr(error))
                with suppress(Exception):  # a run that is not followed any more
                    mlflow.end_run("KILLED")

    def _give_up(self, reason: str) -> None:
        if not self._failed:
            self._failed = True
            logger.warning(
                "MLflow at %s fails (%s); the stage goes on without it", tracking_uri(), reason
            )


def tracking_uri() -> str:
    """Where the runs are kept."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{Path('mlflow.db').resolve()}"


def experiment() -> str:
    """The id of the experiment, made where there is none yet."""
    if os.environ.get("MLFLOW_EXPERIMENT_ID"):
        return os.environ["MLFLOW_EXPERIMENT_ID"]
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT)
    with _one_at_a_time():
        client = mlflow.MlflowClient()
        known = client.get_experiment_by_name(name)
        if known is not None:
            return known.experiment_id
        local = tracking_uri().startswith("sqlite:")
        folder = Path("mlartifacts").resolve().as_uri() if local else None
        return client.create_experiment(name, folder, tags=KIND)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Processes that start together must not all make the tables of a new database."""
    database = tracking_uri().removeprefix("sqlite:///")
    if database == tracking_uri():
        yield
        return
    with Path(f"{database}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def quiet() -> None:
    """Keep the tools below MLflow from telling what `_give_up` tells once."""
    for name in ("alembic", "mlflow", "urllib3", "git"):
        logging.getLogger(name).setLevel(logging.ERROR)
    # The signature is given; an example would only be a megabyte of JSON.
    warnings.filterwarnings("ignore", message=".*input example", module="mlflow")


def _log_metrics(run_id: str, points: list[tuple[str, float, int, int]]) -> None:
    metrics = [mlflow.entities.Metric(*point) for point in points]
    mlflow.MlflowClient().log_batch(run_id, metrics=metrics)


def _log_bytes(run_id: str, content: bytes, place: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, Path(place).name)
        file.write_bytes(content)
        mlflow.MlflowClient().log_artifact(run_id, str(file), str(Path(place).parent))


def _log_model(
    name: str, folder: Path, loader: str, inputs: dict[str, Shape], output: Shape
) -> None:
    import mlflow.pyfunc
    import numpy as np
    from mlflow.types import ParamSchema, ParamSpec, Schema, TensorSpec

    import components
    import nephele

    kind = np.dtype("float32")
    options = [ParamSpec(option, "long", value) for option, value in OPTIONS.items()]
    mlflow.pyfunc.log_model(
        name=name,
        loader_module=loader,
        data_path=str(folder),
        code_paths=[package.__path__[0] for package in (nephele, components)],
        signature=mlflow.models.ModelSignature(
            Schema([TensorSpec(kind, shape, array) for array, shape in inputs.items()]),
            Schema([TensorSpec(kind, output)]),
            ParamSchema(options),
        ),
        pip_requirements=requirements(),
    )
