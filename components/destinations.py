"""Where a command may write: files of its own, in folders that let it, over nothing it reads."""

import tempfile
from collections.abc import Iterable
from pathlib import Path


def check(out: Path, picture: Path) -> None:
    """Refuse names under which nothing can be written, before anything is worked out.

    Raises:
        ValueError: both are the same, one is a folder, or lies where nothing can be written.
    """
    if picture.resolve() == out.resolve():
        raise ValueError(f"--out {out}: expected another name than the picture's")
    for path in (out, picture):
        if path.is_dir():
            raise ValueError(f"{path}: a folder, expected the name of a file to write")
        _check_writable(path)


def check_not_read(path: Path, frames: Iterable[Path]) -> None:
    """Refuse to write over the frames.

    Args:
        frames: the files that they stand in, however they were named.

    Raises:
        ValueError: `path` is one of them.
    """
    if path.resolve() in {file.resolve() for file in frames}:
        raise ValueError(f"{path}: the frames themselves, expected another name to write to")


def check_outside(path: Path, model: Path) -> None:
    """Refuse to write into the folder of the model, whose fingerprint would be another.

    Raises:
        ValueError: `path` lies in it.
    """
    if path.resolve().is_relative_to(model.resolve()):
        raise ValueError(f"{path}: in the model's folder {model}, expected a name outside of it")


def _check_writable(path: Path) -> None:
    """By writing a file without a name, which leaves nothing; its folder may be yet to make."""
    there = next(folder for folder in path.absolute().parents if folder.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise ValueError(
            f"{path}: nothing can be written in {there} ({error.strerror}), "
            "expected a folder that you may write to"
        ) from None
