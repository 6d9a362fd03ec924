"""What a stage did, in MLflow.

    with tracking.run("pretrain_teacher", params) as log:
        log.metrics(step, loss=loss)
        log.picture("samples", figure, step)
        log.outputs(teacher=folder)

The runs lie in `mlflow.db` and `mlartifacts` of the current folder, or where MLFLOW_TRACKING_URI
says; a run that the surroundings have begun (MLFLOW_RUN_ID, as Kubeflow sets it) is continued.
Nothing that a stage writes depends on it: all that is told goes to a journal on disk and from
there, in a thread, to MLflow. What a server did not take stays in the journal, until

    python -m components.tracking sync

delivers it. Without mlflow installed, or with neither a server nor a database, nothing happens.
"""

import functools
import io
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

from components import journal
from components.courier import Courier
from components.execution import flat, packages, requirements, run_name, surroundings
from components.fingerprints import fingerprint
from components.journal import Journal
from components.machine import Monitor
from components.model_folder import OPTIONS
from components.store import available, experiments, tracking_uri, without_credentials

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUMMARY = "report"  # the stage whose run stands for the execution

# What stages learn from, choose by, and are judged on.
LEARNT = ("train", "validation")
CONTEXTS = {
    ("regrid", "data"): ("source",),
    ("pretrain_teacher", "windows"): LEARNT,
    ("distill_student", "windows"): LEARNT,
    ("export_causal_matrix", "windows"): ("test",),
    ("evaluate_tsne", "windows"): ("test",),
    ("verify", "windows"): ("test",),
}

Shape = tuple[int, ...]

logger = logging.getLogger(__name__)

P = ParamSpec("P")


@contextmanager
def run(stage: str, params: object) -> Iterator["Log"]:
    """The log of one stage's run, which ends with the block: well, or as failed.

    Args:
        stage: the run's name, where DVC does not know a better one.
        params: a dataclass or a mapping, nested as deep as you like.
    """
    log = Log()
    if available():
        log.begin(stage)
        log.params(params)
    try:
        yield log
    except BaseException:
        log.end("FAILED")
        raise
    log.end("FINISHED")


def _guarded(
    method: Callable[Concatenate["Log", P], None],
) -> Callable[Concatenate["Log", P], None]:
    """The method, with a warning in place of what it raises: the stage's work goes on."""

    @functools.wraps(method)
    def guarded(log: "Log", /, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            method(log, *args, **kwargs)
        except Exception as error:
            log._lose(method.__name__, error)

    return guarded


class Log:
    """One run of MLflow, seen by a stage. No method waits, but for the end; none raises."""

    def __init__(self) -> None:
        self._stage = ""
        self._lost: set[str] = set()
        self._journal: Journal | None = None
        self._courier: Courier | None = None
        self._monitor: Monitor | None = None
        self._reading: list[threading.Thread] = []

    @_guarded
    def metrics(self, step: int, **values: float) -> None:
        """Points of curves, by their names."""
        now = _now()
        points = [(name, float(value), now, step) for name, value in values.items()]
        self._write("metrics", points=points)

    @_guarded
    def params(self, params: object) -> None:
        """Further parameters of the run, nested as deep as you like."""
        self._write("params", values=flat(params))

    @_guarded
    def tags(self, **tags: str) -> None:
        """What the run is found by."""
        self._write("tags", tags=tags)

    @_guarded
    def note(self, markdown: str) -> None:
        """The description at the top of the run's page."""
        self._write("tags", tags={"mlflow.note.content": markdown})

    @_guarded
    def picture(self, name: str, picture: "bytes | Path | Figure", step: int | None = None) -> None:
        """A PNG, its file or a figure of matplotlib; those with a step are stepped through."""
        if self._journal is None:
            return
        if not isinstance(picture, bytes | Path):
            buffer = io.BytesIO()
            picture.savefig(buffer, format="png")
            picture = buffer.getvalue()
        self._write("picture", {"png": picture}, name=name.removesuffix(".png"), step=step)

    @_guarded
    def artifact(self, path: Path, folder: str | None = None) -> None:
        """A file, or a folder with all in it."""
        self._write("artifact", {path.name: path}, file=path.name, folder=folder)

    @_guarded
    def model(
        self, name: str, folder: Path, loader: str, inputs: Mapping[str, Shape], output: Shape
    ) -> None:
        """A trained model that `mlflow.pyfunc.load_model` brings back.

        Args:
            name: what MLflow calls it.
            folder: its files, of which none is a pickle. Its fingerprint is a tag of the model.
            loader: the module whose `_load_pyfunc` reads them.
            inputs: shapes of the arrays that it takes, -1 where any size fits.
            output: shape of the array that it returns.
        """
        if self._journal is None:
            return
        self._write(
            "model",
            {"model": folder, **packages()},
            name=name,
            fingerprint=fingerprint(folder),
            loader=loader,
            inputs=dict(inputs),
            output=output,
            options=OPTIONS,
            requirements=requirements(),
            packages=sorted(packages()),
        )

    @_guarded
    def call(self, target: str, files: Mapping[str, Path], **arguments: Any) -> None:
        """Have a function called when all before is delivered, here or by a later `sync`.

        Args:
            target: `package.module:name`. It is called with an MlflowClient, the id of this run, a
                mapping from the names of `files` to copies of them, and `arguments` by their names;
                and called again where it was cut short.
            files: files or folders, copied now.
            arguments: of what JSON can hold.
        """
        self._wait_for_inputs()
        self._write("call", files, target=target, names=sorted(files), arguments=arguments)

    @_guarded
    def inputs(self, **paths: Path) -> None:
        """The fingerprints of what the stage reads, as tags `input.<name>`; its data sets."""
        if self._journal is not None:
            # Large inputs take their time, which the stage need not wait for.
            reading = threading.Thread(target=self._read, args=(paths,), daemon=True)
            reading.start()
            self._reading.append(reading)

    @_guarded
    def outputs(self, **paths: Path) -> None:
        """The fingerprints of what the stage wrote, as tags `output.<name>`."""
        self._fingerprints("output", paths)

    @_guarded
    def begin(self, stage: str) -> None:
        """Begin the journal, and the thread that delivers it."""
        self._stage = stage
        fresh = Journal.new(journal.folder(), stage)
        fresh.write("begin", **_beginning(stage))
        self._journal = fresh
        self._courier = Courier(self._journal, tracking_uri())
        self._monitor = Monitor(self.metrics)

    @_guarded
    def end(self, status: str) -> None:
        """End the run and wait until all is delivered, as long as there is progress."""
        if self._monitor is not None:
            self._monitor.stop()
        self._wait_for_inputs()
        self._write("end", status=status)
        self._journal = None
        if self._courier is not None:
            self._courier.end()

    def _wait_for_inputs(self) -> None:
        for reading in self._reading:
            reading.join()

    @_guarded
    def _read(self, paths: Mapping[str, Path]) -> None:
        found = self._fingerprints("input", paths)
        for name, digest in found.items():
            for context in CONTEXTS.get((self._stage, name), ()):
                self._write(
                    "dataset",
                    name=f"{name} ({context})",
                    digest=digest,
                    source=str(paths[name].absolute()),
                    context=context,
                )

    def _fingerprints(self, direction: str, paths: Mapping[str, Path]) -> dict[str, str]:
        if self._journal is None:
            return {}
        try:
            found = {name: fingerprint(path) for name, path in paths.items()}
        except OSError as error:
            logger.warning("MLflow is not told of the stage's %ss: %s", direction, error)
            return {}
        self._write("tags", tags={f"{direction}.{name}": text for name, text in found.items()})
        return found

    def _write(
        self, kind: str, contents: Mapping[str, bytes | Path] | None = None, **values: Any
    ) -> None:
        if self._journal is None:
            return
        try:
            if contents is not None:
                values["kept"] = self._journal.keep(**contents)
            self._journal.write(kind, time=_now(), **values)
        except OSError as error:
            self._stop(error)

    def _stop(self, error: OSError) -> None:
        """The journal cannot be written: a full disk must not end the training."""
        self._journal = None
        logger.warning("MLflow is told no more of this stage, its journal fails: %.200s", error)

    def _lose(self, what: str, error: Exception) -> None:
        """One thing is not told; a thing that is told at every step is missed with one warning."""
        if what not in self._lost:
            self._lost.add(what)
            told = without_credentials(repr(error))
            logger.warning("MLflow is not told all of this stage, its %s fails: %s", what, told)


def _beginning(stage: str) -> dict[str, Any]:
    """The first record of a run."""
    local = tracking_uri().startswith("sqlite:")
    return {
        "time": _now(),
        "name": run_name(stage, stage == SUMMARY),
        "uri": without_credentials(tracking_uri()),
        "attached": os.environ.get("MLFLOW_RUN_ID", ""),
        "experiment": os.environ.get("MLFLOW_EXPERIMENT_ID", ""),
        "experiments": list(experiments().values()),
        "experiment_name": experiments()["executions" if stage == SUMMARY else "stages"],
        "artifacts": Path("mlartifacts").resolve().as_uri() if local else None,
        "tags": {"stage": stage} | surroundings(stage),
    }


def _now() -> int:
    """Milliseconds since 1970."""
    return int(time.time() * 1000)


if __name__ == "__main__":
    from components import sync  # which a stage has no use for

    sys.exit(sync.main())
