"""From a journal to MLflow: everything in its order, each thing once.

Where MLflow does not answer, nothing is lost: the journal knows how far it has been delivered, and
the next delivery goes on there. What a server refuses for good is left out, with a warning; an
error that nobody has thought of keeps the record.
"""

import json
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from components import mlflow_run
from components.journal import Journal, Record, State, first
from components.mlflow_run import KINDS, UPLOADS, Run, Unfit
from components.store import without_credentials

MOST_METRICS = 500  # points in a request; what every MLflow server takes
# Answers that another time, another server or other credentials may better.
PASSING = (401, 403, 407, 408, 425, 429)

logger = logging.getLogger(__name__)


class Unreachable(Exception):
    """MLflow does not take anything now; its message says why, in one line."""


class Delivery:
    """Delivers one journal, as far as it has been written.

    Attributes:
        address: of MLflow, as it may be shown.
        delivered: how many records have been, by this delivery.
        finished: the record that ends the run has been.
    """

    def __init__(self, journal: Journal, uri: str) -> None:
        self.journal, self.uri = journal, uri
        self.delivered = 0
        self.finished = False
        self.address = without_credentials(uri)
        self.run: Run | None = None

    def advance(self) -> None:
        """Deliver what the journal holds and MLflow does not have.

        Raises:
            Unreachable: not everything; to be tried again later.
        """
        with self._reaching():
            self._advance()

    def end(self, status: str) -> None:
        """End the run of a stage that did not, at the time of its last record.

        Raises:
            Unreachable: to be tried again later.
        """
        if self.run is not None and not self.finished:
            times = (record.values.get("time", 0) for record in self.journal.records())
            latest = max(times, default=0)
            values = {"status": status, "time": latest}
            with self._reaching():
                self._deliver([Record("end", values, 0, 0)])
            self.finished = True

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        """Whatever fails, it can be tried again: MLflow, or the disk that the state lies on."""
        try:
            yield
        except Exception as error:
            self.run = None
            raise Unreachable(_reason(error)) from error

    def _advance(self) -> None:
        if self.run is None:
            if not first(self.journal):
                return
            self.run = self._reach()
        state = self.journal.state
        for batch in _batches(self.journal.records(state.position)):
            self._deliver(batch)
            self.journal.state = State(self.run.id, batch[-1].end)
            self.delivered += len(batch)
            self.finished |= batch[-1].kind == "end"

    def _reach(self) -> Run:
        """The run of this journal: the one that it has, or a new one, delivered from the start."""
        begin, place = first(self.journal), self.journal.place
        client = mlflow_run.connect(self.uri)
        run = self.journal.state.run
        if not (run and _exists(client, run)):
            run = mlflow_run.begun(client, begin, place.name)
            self.journal.state = State(run, 0)
        return Run(client, run, place, attached=bool(begin["attached"]))

    def _deliver(self, batch: list[Record]) -> None:
        kind = batch[0].kind
        values = batch[0].values
        if len(batch) > 1:
            values = {"points": [point for record in batch for point in record.values["points"]]}
        try:
            if kind not in KINDS:
                raise Unfit(f"expected one of {', '.join(KINDS)}")
            getattr(self.run, kind)(values)
        except Exception as error:
            if not self._refused(error, kind):
                raise
            if len(batch) > 1:  # which of them?
                for record in batch:
                    self._deliver([record])
                return
            name = values.get("name") or values.get("target") or ""
            told = " ".join((kind, name)).strip()
            logger.warning("MLflow refuses a record (%s): %s; it is left out", told, _reason(error))

    def _refused(self, error: Exception, kind: str) -> bool:
        """Whether the same record would fail for ever, at any time."""
        status = _status(error)
        if status == 404:  # where the run is gone, it will be made again
            assert self.run is not None
            return _exists(self.run.client, self.run.id)
        if status is not None:
            return 400 <= status < 500 and status not in PASSING
        if isinstance(error, FileNotFoundError):  # of a copy in the journal
            file = Path(str(error.filename)).resolve()
            return file.is_relative_to(self.journal.place.resolve())
        # An upload's may be of a store's address, and odd answers are not of the record either.
        own = isinstance(error, TypeError | KeyError | ValueError) and kind not in UPLOADS
        foreign = isinstance(error, OSError | json.JSONDecodeError)
        return isinstance(error, Unfit) or (own and not foreign)


def _exists(client: Any, run: str) -> bool:
    try:
        client.get_run(run)
    except Exception as error:
        if _status(error) == 404:
            return False
        raise
    return True


def _batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Records one by one, but metrics that follow each other in batches that a server takes."""
    batch: list[Record] = []
    points = 0
    for record in records:
        more = len(record.values["points"]) if record.kind == "metrics" else 0
        if batch and (not more or points + more > MOST_METRICS):
            yield batch
            batch, points = [], 0
        if more:
            batch.append(record)
            points += more
        else:
            yield [record]
    if batch:
        yield batch


def _status(error: Exception) -> int | None:
    """The HTTP status of what MLflow or requests raised; None of another error."""
    if hasattr(error, "get_http_status_code"):
        return error.get_http_status_code()
    return getattr(getattr(error, "response", None), "status_code", None)


def _reason(error: Exception) -> str:
    """What is said of an error, in one line."""
    text = without_credentials(str(error)).strip()
    return text.splitlines()[0][:160] if text else repr(error)
