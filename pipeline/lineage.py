"""Where an artifact comes from: the runs that wrote it, what they read, and so on to the beginning.

Artifacts are known by their fingerprints, so it does not matter what they are called now, which
orchestrator ran a stage, or whether one was cached in this execution and ran in another.
"""

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from components import journal, tracking
from components.fingerprints import fingerprint
from components.makers import Made, makers

LOCKS = ("dvc.lock", "data.dvc")
WORKPLACE = (".git", ".dvc", "dvc.yaml", "mlflow.db")  # what has one of them is nobody's output
# Of a folder that DVC does not know and that may be an output.
MOST_FILES, MOST_BYTES = 10_000, 2 * 1024**3
TELLING = ("source", "seed", "storms", "steps", "batch_size", "learning_rate", "windows", "members")
SHORT = 10  # characters of a fingerprint, a run's id, a revision


@dataclass(frozen=True)
class Artifact:
    """Something that a stage wrote.

    Attributes:
        name: its path, or the name under which a stage read it.
        fingerprint: of its contents.
        made: the runs that wrote it, the first one first; none where no run is known.
        read: what these read.
        remark: what else is to be said.
    """

    name: str
    fingerprint: str
    made: list[Made] = field(default_factory=list)
    read: list["Artifact"] = field(default_factory=list)
    remark: str = ""


class Locked(NamedTuple):
    """An output that DVC knows: where it lies, and DVC's hash of it."""

    place: Path
    md5: str


def lineage(path: Path, uri: str) -> Artifact:
    """The tree of what `path` was made of, from the runs at `uri`.

    Raises:
        ValueError: there is nothing at `path`, or MLflow does not answer.
    """
    if not path.exists():
        raise ValueError(f"nothing at {path}, expected a file or folder that a stage wrote")
    known, locked = makers(uri), _locked(path)
    for candidate, digest in _around(path, locked):
        if digest in known:
            if candidate == path:
                return _tree(str(path), digest, known, ())
            return _tree(_shown(candidate), digest, known, (), f"{path} is part of it")
    return Artifact(str(path), fingerprint(path), remark=_unknown(path, locked))


def printed(artifact: Artifact) -> str:
    """The tree as text; what it holds twice is told once."""
    return "\n".join(_lines(artifact, set(), "", ""))


def as_json(artifact: Artifact) -> str:
    """The tree for programs, all of it."""
    return json.dumps(dataclasses.asdict(artifact), indent=2, default=lambda at: at.isoformat())


def _tree(
    name: str,
    digest: str,
    known: Mapping[str, list[Made]],
    above: tuple[str, ...],
    remark: str = "",
) -> Artifact:
    if digest in above:  # an empty file that became an empty file
        return Artifact(name, digest, remark="it has the contents of what it became")
    made = known.get(digest, [])
    if not made:
        return Artifact(name, digest, remark=remark or "no run that is known here wrote it")
    # Runs that wrote the same may have read different things.
    inputs = {(key, value): None for run in made for key, value in run.inputs.items()}
    read = [_tree(key, value, known, (*above, digest)) for key, value in inputs]
    return Artifact(name, digest, made, read, remark)


def _lines(artifact: Artifact, told: set[str], head: str, indent: str) -> Iterator[str]:
    again = artifact.fingerprint in told and artifact.read
    remark = f": {artifact.remark}" if artifact.remark else ": see above" if again else ""
    yield f"{head}{artifact.name}  {artifact.fingerprint[:SHORT]}{remark}"
    told.add(artifact.fingerprint)
    if again:
        return
    bar = "│  " if artifact.read else "   "
    for made in artifact.made:
        yield f"{indent}{bar}{_run(made)}"
    if artifact.made and (text := _params(artifact.made[0])):
        yield f"{indent}{bar}  {text}"
    for number, read in enumerate(artifact.read, start=1):
        last = number == len(artifact.read)
        yield from _lines(
            read, told, f"{indent}{'└─ ' if last else '├─ '}", f"{indent}{'   ' if last else '│  '}"
        )


def _run(made: Made) -> str:
    when = f"{made.ended:%Y-%m-%d %H:%M:%S}" if made.ended else "not ended"
    revision, _, dirty = made.revision.partition("-")
    parts = [
        f"by {made.stage}, run {made.run[:SHORT]}, {when}",
        " ".join((made.orchestrator, made.execution)).strip(),
        f"revision {revision[:SHORT] or 'unknown'}{' (changed)' if dirty else ''}",
    ]
    if made.status not in ("FINISHED", "RUNNING"):
        parts.append(made.status.lower())
    return ", ".join(parts)


def _params(made: Made) -> str:
    """The parameters of the stage that tell most."""
    stage = made.stage.split("@")[0]
    names = [name for name in made.params if name.split(".")[0] == stage]
    chosen = [name for word in TELLING for name in names if name.split(".")[-1] == word]
    return " ".join(f"{name.removeprefix(f'{stage}.')}={made.params[name]}" for name in chosen)


def _around(path: Path, locked: Locked | None) -> Iterator[tuple[Path, str]]:
    """`path` and the folders that it may be part of an output in, with their fingerprints.

    The nearest comes first; the last is the output that DVC knows, or else the largest folder that
    may be one.
    """
    yield path, fingerprint(path)
    place = _absolute(path)
    with suppress(OSError):  # what may not be read is no output either
        for folder in place.parents:
            if not folder.is_relative_to(locked.place) if locked else not _may_be_output(folder):
                return
            yield folder, fingerprint(folder)


def _may_be_output(folder: Path) -> bool:
    if any((folder / name).exists() for name in WORKPLACE):
        return False
    files = size = 0
    for here, _, names in os.walk(folder):
        files += len(names)
        size += sum(os.lstat(os.path.join(here, name)).st_size for name in names)
        if files > MOST_FILES or size > MOST_BYTES:
            return False
    return True


def _unknown(path: Path, locked: Locked | None) -> str:
    """Why no run is known, as far as that can be told: a changed file is not one never tracked."""
    said = "no run that is known here wrote it"
    if locked is not None:
        same = locked.md5 == _md5(locked.place)
        said = (
            f"{said}, but DVC has these contents; its run is in another store, or was not tracked"
            if same
            else f"changed since DVC wrote it; {said} as it is now"
        )
        if locked.place != _absolute(path):
            said = f"part of {_shown(locked.place)}: {said}"
    waiting = len(journal.journals(journal.folder()))
    if waiting:
        said += f" ({waiting} runs wait for python -m components.tracking sync)"
    return said


def _locked(path: Path) -> Locked | None:
    """The output that `path` is or lies in, by the nearest lock file of DVC that knows it."""
    place = _absolute(path)
    for folder in place.parents:
        for file in (folder / name for name in LOCKS):
            if file.is_file():
                content = yaml.safe_load(file.read_text())
                for stage in content.get("stages", {"data": content}).values():
                    for out in stage.get("outs", []):
                        if place.is_relative_to(folder / out["path"]):
                            return Locked(folder / out["path"], out["md5"])
    return None


def _absolute(path: Path) -> Path:
    """`path` from the root, without `..`; links are what they are called."""
    return Path(os.path.abspath(path))


def _shown(path: Path) -> str:
    """`path` as short as one would type it here."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _md5(path: Path) -> str:
    """DVC's hash of a file, or of a folder: that of the list of its files."""
    if path.is_file():
        return _file_md5(path)
    files = {file.relative_to(path).parts: file for file in path.rglob("*") if file.is_file()}
    entries: list[dict[str, Any]] = [
        {"md5": _file_md5(files[parts]), "relpath": "/".join(parts)} for parts in sorted(files)
    ]
    text = json.dumps(entries, sort_keys=True)
    return f"{hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()}.dir"


def _file_md5(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "md5").hexdigest()


def run(path: Path, json_wanted: bool) -> None:
    """Print the lineage of `path`, from where this folder's runs are."""
    found = lineage(path, tracking.tracking_uri())
    print(as_json(found) if json_wanted else printed(found))
