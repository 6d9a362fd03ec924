"""The fingerprint of a file or folder: equal exactly where the contents are.

Runs that never met are linked by it: one wrote what another read.
"""

import hashlib
from pathlib import Path


def fingerprint(path: Path) -> str:
    """SHA-256 of a file's bytes; of a folder's relative paths and the bytes behind them.

    Raises:
        FileNotFoundError: nothing at `path`.
    """
    if path.is_file():
        return _digest(path)
    if not path.is_dir():
        raise FileNotFoundError(f"nothing at {path} to take the fingerprint of")
    files = {file.relative_to(path).as_posix(): file for file in path.rglob("*") if file.is_file()}
    lines = [f"{_digest(files[name])} {name}\n" for name in sorted(files)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
