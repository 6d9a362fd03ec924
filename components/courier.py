"""The thread that delivers a journal while its stage is at work, and waits for nobody.

A server that fails is tried again, less and less often. At its end a stage waits for what is left
as long as something is delivered, and never longer than `PATIENCE`; the rest stays in the journal.
"""

import contextlib
import logging
import threading
import time

from components.delivery import Delivery, Unreachable
from components.journal import Journal

STANDSTILL = 30.0  # s without any progress at the end of a stage, then the rest is kept
PATIENCE = 60.0  # s at the end of a stage in all
INTERVAL = 5.0  # s between two deliveries of metrics
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 60.0  # s until a server that failed is tried again
COMMAND = "python -m components.tracking sync"

logger = logging.getLogger(__name__)


class Courier:
    """Delivers a journal in the background."""

    def __init__(self, journal: Journal, uri: str) -> None:
        self.delivery = Delivery(journal, uri)
        self._journal = journal
        self._wake = threading.Event()
        self._ending = threading.Event()
        self._done = threading.Event()
        self._failure = ""
        self._failed_at = 0.0
        self._thread = threading.Thread(target=self._work, name="tracking", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Deliver the rest, as long as there is patience; then tell what is left, once."""
        started = time.monotonic()
        self._ending.set()
        self._wake.set()
        before, moved = -1, started
        while not self._done.wait(0.02):
            now = time.monotonic()
            if self.delivery.delivered != before:
                before, moved = self.delivery.delivered, now
            if now - moved > STANDSTILL or now - started > PATIENCE:
                self._failure = self._failure or f"no answer for {now - moved:.0f} s"
                break
        if self.delivery.finished:
            self._journal.remove()
            return
        self._failure = self._failure or "its journal has no end"
        self._tell_what_is_left()
        if self._done.is_set():
            self._journal.close()

    def _work(self) -> None:
        try:
            self._deliver()
        except Exception as error:  # the end must not wait for a thread that is gone
            self._failure = f"its delivery failed: {error!r}"
        finally:
            self._done.set()

    def _deliver(self) -> None:
        pause = FIRST_PAUSE
        while True:
            ending = self._ending.is_set()
            try:
                self.delivery.advance()
                self._failure, pause = "", FIRST_PAUSE
            except Unreachable as error:
                self._tell_once(str(error))
                self._failed_at = time.monotonic()
                if ending:
                    break
                self._ending.wait(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
                if self._ending.is_set() and time.monotonic() - self._failed_at < LONGEST_PAUSE / 2:
                    break  # it would only keep the stage waiting
                continue
            if ending:
                break
            self._wake.wait(INTERVAL)
            self._wake.clear()

    def _tell_once(self, reason: str) -> None:
        if not self._failure:
            logger.info(
                "MLflow at %s fails (%s); the stage goes on, what it tells is kept in %s",
                *(self.delivery.address, reason, self._journal.place),
            )
        self._failure = reason

    def _tell_what_is_left(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            left = sum(1 for _ in self._journal.records(self._journal.state.position))
            logger.warning(
                "MLflow at %s fails (%s); the stage goes on without it, %d records of its run are "
                "kept in %s: %s delivers them",
                *(self.delivery.address, self._failure, left, self._journal.place, COMMAND),
            )
