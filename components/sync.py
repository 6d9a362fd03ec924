"""Deliver to MLflow what stages told while it was away, and end the runs of stages that died."""

import argparse
import logging
import os
from pathlib import Path

from components.delivery import Delivery, Unreachable
from components.journal import Journal, first, folder, foreign, journals
from components.store import URI

logger = logging.getLogger(__name__)


def sync(spool: Path, uri: str = "") -> int:
    """Deliver every journal in the folder `spool`, and print what became of each.

    Args:
        uri: the server or database; without one, each goes where it was meant to go. Journals
            have no credentials: where an address needs some, it must come from here.

    Returns:
        Exit status: 0 where nothing is left that could be delivered.
    """
    for place in foreign(spool):
        print(f"{place.name}: left alone, it belongs to another user, who can deliver it")
    found = journals(spool)
    if not found:
        print(f"nothing to deliver in {spool}")
    left = [place for place in found if _sync(place, uri)]
    return 1 if left else 0


def _sync(place: Path, uri: str) -> bool:
    """Whether something is left of one journal."""
    try:
        journal = Journal.opened(place)
        if journal is None:
            print(f"{place.name}: left alone, another process is at work on it")
            return False
        try:
            return _deliver(journal, uri)
        finally:
            journal.close()
    except (OSError, ValueError, LookupError, TypeError) as error:
        print(f"{place.name}: kept as it is, its journal cannot be read ({error!s:.200})")
        return True


def _deliver(journal: Journal, uri: str) -> bool:
    """Whether something is left of a journal that nobody else is at work on."""
    name = journal.place.name
    begin = first(journal)
    if not begin:
        print(f"{name}: removed, its stage ended before it told anything")
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
            f"{name}: {delivery.delivered} records delivered, then MLflow at {delivery.address} "
            f"failed ({error}); the rest is kept, try again when it answers"
        )
        return True
    ended = ", ended as killed" if killed else ""
    print(f"{name}: {delivery.delivered} records delivered to run {journal.state.run}{ended}")
    journal.remove()
    return False


def _ended(journal: Journal) -> bool:
    return any(record.kind == "end" for record in journal.records())


def main() -> int:
    """`python -m components.tracking sync`."""
    parser = argparse.ArgumentParser(prog="python -m components.tracking", description=__doc__)
    commands = parser.add_subparsers(required=True)
    synced = commands.add_parser("sync", help="deliver to MLflow what a server did not take")
    synced.add_argument("folder", type=Path, nargs="?", default=folder())
    arguments = parser.parse_args()
    # The registry answers in a log line, as it does at the end of a stage.
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    return sync(arguments.folder, os.environ.get(URI, ""))
