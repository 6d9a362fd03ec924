"""Deliver to MLflow what stages told while it was away, and end the runs of stages that died."""

import logging
from pathlib import Path

from components.delivery import Delivery, Unreachable
from components.journal import Journal, first, journals

logger = logging.getLogger(__name__)


def sync(spool: Path, uri: str = "") -> int:
    """Deliver every journal in the folder `spool`, and print what became of each.

    Args:
        uri: the server or database; without one, each goes where it was meant to go.

    Returns:
        Exit status: 0 where nothing is left that could be delivered.
    """
    found = journals(spool)
    if not found:
        print(f"nothing to deliver in {spool}")
    left = [place for place in found if _sync(place, uri)]
    return 1 if left else 0


def _sync(place: Path, uri: str) -> bool:
    """Whether something is left of one journal."""
    journal = Journal.opened(place)
    if journal is None:
        print(f"{place.name}: left alone, another process is at work on it")
        return False
    begin = first(journal)
    if not begin:
        print(f"{place.name}: removed, its stage ended before it told anything")
        journal.remove()
        return False
    delivery = Delivery(journal, uri or begin["uri"])
    try:
        delivery.advance()
        killed = not delivery.finished and not _ended(journal)
        if killed:
            delivery.end("KILLED")
    except Unreachable as error:
        print(
            f"{place.name}: {delivery.delivered} records delivered, then MLflow at {delivery.uri} "
            f"failed ({error}); the rest is kept, try again when it answers"
        )
        journal.close()
        return True
    ended = ", ended as killed" if killed else ""
    print(f"{place.name}: {delivery.delivered} records delivered to run {journal.state.run}{ended}")
    journal.remove()
    return False


def _ended(journal: Journal) -> bool:
    return any(record.kind == "end" for record in journal.records())
