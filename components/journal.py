"""The journal of a run: all that a stage tells of itself, on disk before anybody else hears of it.

A journal is a folder: `journal.jsonl`, one record a line, and `files`, copies of what the records
speak of. Whoever delivers it to MLflow notes in `state.json` how far it has come. The stage that
writes a journal, and whoever delivers one, holds its lock, which ends with the process: a journal
that can be locked has nobody else. Nobody but its owner may read it.
"""

import fcntl
import json
import logging
import os
import shutil
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = "mlspool"  # of the current folder, or where this variable says
FOLDER_VARIABLE = "NEPHELE_SPOOL"
RECORDS, FILES, STATE, LOCK = "journal.jsonl", "files", "state.json", "lock"
BEGIN = "begin"  # the kind of the first record
PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600

logger = logging.getLogger(__name__)


class Record(NamedTuple):
    """One thing that a stage told.

    Attributes:
        kind: as `metrics` or `picture`; components/delivery.py has them all.
        values: what belongs to it.
        start: where its line begins, bytes from the beginning of the journal.
        end: where the next one begins.
    """

    kind: str
    values: dict[str, Any]
    start: int
    end: int


@dataclass
class State:
    """How far a journal has been delivered.

    Attributes:
        run: MLflow's id of the run; empty where it has none yet.
        position: where the first record begins that is not delivered, bytes.
    """

    run: str = ""
    position: int = 0


def folder() -> Path:
    """Where the journals lie until they are delivered."""
    if os.environ.get(FOLDER_VARIABLE):
        return Path(os.environ[FOLDER_VARIABLE]).absolute()
    here = Path.cwd()  # which a container may keep from being written
    return here / FOLDER if os.access(here, os.W_OK) else _temporary()


class Journal:
    """A journal under a lock, to write to or to deliver from. Safe in several threads.

    Attributes:
        place: its folder.
        damaged: where lines begin that were found to be no records.
    """

    def __init__(self, place: Path, lock: int) -> None:
        self.place = place
        self._lock: int | None = lock
        self.damaged: set[int] = set()
        self._writing = threading.Lock()
        self._files = 0
        self._stream: int | None = None

    @classmethod
    def new(cls, spool: Path, name: str) -> "Journal":
        """An empty journal, whose folder's name begins with `name`.

        Raises:
            OSError: `spool` cannot be written.
        """
        unique = f"{name}-{time.strftime('%Y%m%dT%H%M%S')}-{uuid.uuid4().hex[:6]}"
        fresh = spool / f".{unique}"
        if spool == _temporary():
            spool.mkdir(PRIVATE_FOLDER, exist_ok=True)
        spool.mkdir(parents=True, exist_ok=True)
        fresh.mkdir(PRIVATE_FOLDER)
        (fresh / FILES).mkdir()
        (fresh / LOCK).touch(PRIVATE_FILE)
        locked = _locked(fresh)
        assert locked is not None
        # Nobody looks for it before it has its name.
        fresh.rename(spool / unique)
        return cls(spool / unique, locked)

    @classmethod
    def opened(cls, place: Path) -> "Journal | None":
        """The journal at `place`; None where another process has it, or where it is gone."""
        try:
            locked = _locked(place)
        except FileNotFoundError:
            return None
        if locked is None:
            return None
        if not (place / LOCK).exists():  # removed while this process opened it
            os.close(locked)
            return None
        return cls(place, locked)

    def write(self, kind: str, **values: Any) -> None:
        """Add a record, of what JSON can hold: the whole of it, or nothing.

        Raises:
            OSError: the disk is full, or gone.
        """
        line = json.dumps({"kind": kind, **values}, separators=(",", ":")) + "\n"
        with self._writing:
            if self._stream is None:
                flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
                self._stream = os.open(self.place / RECORDS, flags, PRIVATE_FILE)
            before = os.fstat(self._stream).st_size
            try:
                _write_all(self._stream, line.encode())
            except OSError:
                with suppress(OSError):  # what follows must not be taken for the rest of the line
                    os.ftruncate(self._stream, before)
                raise

    def keep(self, **contents: bytes | Path) -> str:
        """Copy bytes, files or folders, by their names, into a new folder of the journal.

        Returns:
            The folder's path from the journal's own, for a record.
        """
        with self._writing:
            self._files += 1
            kept = f"{FILES}/{self._files:06d}"
        (self.place / kept).mkdir()
        for name, content in contents.items():
            target = self.place / kept / name
            if isinstance(content, bytes):
                target.write_bytes(content)
            elif content.is_dir():
                shutil.copytree(content, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copyfile(content, target)
        return kept

    def records(self, position: int = 0) -> Iterator[Record]:
        """The whole records from `position` on; a line that was cut off is none.

        A line that is damaged, as a loss of power may leave it, is left out, with a warning.
        """
        with suppress(FileNotFoundError), (self.place / RECORDS).open("rb") as lines:
            lines.seek(position)
            for line in lines:
                if not line.endswith(b"\n"):
                    return
                values = _values(line)
                if values is None:
                    self._tell_of_damage(position)
                else:
                    yield Record(values.pop("kind"), values, position, position + len(line))
                position += len(line)

    @property
    def state(self) -> State:
        """That of the last delivery; one that is damaged is none: all is delivered again."""
        try:
            return State(**json.loads((self.place / STATE).read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return State()

    @state.setter
    def state(self, state: State) -> None:
        partial = self.place / f".{STATE}"
        partial.write_text(json.dumps(asdict(state)))
        partial.replace(self.place / STATE)

    def close(self) -> None:
        """Give the lock back; the journal stays."""
        self._close_stream()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def remove(self) -> None:
        """All is delivered. What cannot be removed stays, to be delivered again or to be empty."""
        # A network file system keeps what is removed while it is open, and with it the folder.
        self._close_stream()
        with suppress(OSError):
            # Records first, lock last: what is left if this dies meanwhile has nothing to deliver.
            (self.place / RECORDS).unlink(missing_ok=True)
            shutil.rmtree(self.place / FILES, ignore_errors=True)
            for file in sorted(self.place.iterdir(), key=lambda file: file.name == LOCK):
                file.unlink()
        self.close()
        with suppress(OSError):
            self.place.rmdir()

    def _close_stream(self) -> None:
        with self._writing:
            if self._stream is not None:
                with suppress(OSError):
                    os.close(self._stream)
                self._stream = None

    def _tell_of_damage(self, position: int) -> None:
        if position not in self.damaged:
            self.damaged.add(position)
            logger.warning(
                "%s: no record at byte %d, the line is damaged and left out",
                *(self.place / RECORDS, position),
            )


def journals(spool: Path) -> list[Path]:
    """The journals in `spool` that belong to this process's user, the oldest first."""
    ages = {}
    for place in spool.glob("[!.]*"):
        with suppress(OSError):  # removed meanwhile, or another's to look into
            if _owner(place) == os.geteuid() and place.is_dir():
                ages[place] = (place / LOCK).stat().st_mtime_ns
    return sorted(ages, key=ages.__getitem__)


def foreign(spool: Path) -> list[Path]:
    """What others have put into `spool`, sorted: nothing of theirs is opened, nor acted upon."""
    found = []
    for place in spool.glob("[!.]*"):
        with suppress(OSError):
            if _owner(place) != os.geteuid():
                found.append(place)
    return sorted(found)


def first(journal: Journal) -> Mapping[str, Any]:
    """The values of the first record, which begins the run; none where it was never written.

    Raises:
        ValueError: there are others, but not this one.
    """
    record = next(journal.records(), Record(BEGIN, {}, 0, 0))
    if record.kind != BEGIN or 0 in journal.damaged:
        raise ValueError(
            f"the first line of {journal.place / RECORDS} is damaged, expected a record {BEGIN}"
        )
    return record.values


def _values(line: bytes) -> dict[str, Any] | None:
    """What a line says; None where it is no record."""
    try:
        values = json.loads(line)
    except ValueError:
        return None
    return values if isinstance(values, dict) and isinstance(values.get("kind"), str) else None


def _owner(place: Path) -> int:
    """The user id that `place` belongs to, or the link that it is."""
    return place.lstat().st_uid


def _temporary() -> Path:
    """Where journals lie that have no other place, each user's apart."""
    return Path(tempfile.gettempdir()) / f"{FOLDER}-{os.geteuid()}"


def _write_all(file: int, content: bytes) -> None:
    """A write may take less than it is given, without an error."""
    while content:
        content = content[os.write(file, content) :]


def _locked(place: Path) -> int | None:
    """An open, locked file in the folder `place`; None where another process has locked it."""
    file = os.open(place / LOCK, os.O_RDWR)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    return file
