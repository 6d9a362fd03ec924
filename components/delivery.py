"""From a journal to MLflow: everything in its order, each thing once.

Where MLflow does not answer, nothing is lost: the journal knows how far it has been delivered, and
the next delivery goes on there. What a server refuses for good is left out, with a warning.
"""

import logging
from collections.abc import Iterable, Iterator
from typing import Any

from components import mlflow_run
from components.journal import Journal, Record, State, first
from components.mlflow_run import Run

MOST_METRICS = 500  # points in a request; what every MLflow server takes
# Answers that another time, another server or other credentials may better.
PASSING = (401, 403, 407, 408, 425, 429)

logger = logging.getLogger(__name__)


class Unreachable(Exception):
    """MLflow does not take anything now; its message says why, in one line."""


class Delivery:
    """Delivers one journal, as far as it has been written.

    Attributes:
        delivered: how many records have been, by this delivery.
        finished: the record that ends the run has been.
    """

    def __init__(self, journal: Journal, uri: str) -> None:
        self.journal, self.uri = journal, uri
        self.delivered = 0
        self.finished = False
        self.run: Run | None = None
        self.latest = 0  # ms, when the last record was written

    def advance(self) -> None:
        """Deliver what the journal holds and MLflow does not have.

        Raises:
            Unreachable: not everything; to be tried again later.
        """
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
            self.latest = batch[-1].values["time"]

    def end(self, status: str) -> None:
        """End the run of a stage that did not, at the time of its last record.

        Raises:
            Unreachable: to be tried again later.
        """
        if self.run is not None and not self.finished:
            latest = max((record.values["time"] for record in self.journal.records()), default=0)
            values = {"status": status, "time": latest}
            self._deliver([Record("end", values, 0, 0)])
            self.finished = True

    def _reach(self) -> Run:
        """The run of this journal: the one that it has, or a new one, delivered from the start."""
        begin = first(self.journal)
        try:
            client = mlflow_run.connect(self.uri)
            state = self.journal.state
            if not (state.run and self._exists(client, state.run)):
                run = mlflow_run.begun(client, begin, self.journal.place.name)
                self.journal.state = State(run, 0)
        except Exception as error:
            raise Unreachable(_reason(error)) from error
        place = self.journal.place
        return Run(client, self.journal.state.run, place, attached=bool(begin["attached"]))

    def _exists(self, client: Any, run: str) -> bool:
        try:
            client.get_run(run)
        except Exception as error:
            if _status(error) == 404:
                return False
            raise
        return True

    def _deliver(self, batch: list[Record]) -> None:
        kind = batch[0].kind
        values = batch[0].values
        if len(batch) > 1:
            values = {"points": [point for record in batch for point in record.values["points"]]}
        try:
            getattr(self.run, kind)(values)
        except Exception as error:
            if not _refused(error, kind):
                self.run = None
                raise Unreachable(_reason(error)) from error
            if len(batch) > 1:  # which of them?
                for record in batch:
                    self._deliver([record])
                return
            name = values.get("name") or values.get("target") or ""
            told = " ".join((kind, name)).strip()
            logger.warning("MLflow refuses a record (%s): %s; it is left out", told, _reason(error))


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


def _refused(error: Exception, kind: str) -> bool:
    """Whether the same record would fail for ever, at any time."""
    status = _status(error)
    if status is not None:
        lost = status == 404 and kind != "call"  # the run is gone: it will be made again
        return 400 <= status < 500 and status not in PASSING and not lost
    return not isinstance(error, OSError) or isinstance(error, FileNotFoundError)


def _status(error: Exception) -> int | None:
    """The HTTP status of what MLflow or requests raised; None of another error."""
    if hasattr(error, "get_http_status_code"):
        return error.get_http_status_code()
    return getattr(getattr(error, "response", None), "status_code", None)


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0][:160] if str(error) else repr(error)
