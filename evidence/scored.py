"""What scores are made of, by network: tables that stay in git, so that others can be made."""

from pathlib import Path

import pandas as pd

from components.outputs import whole
from evidence.rows import UNSEEDED
from nephele.evaluation.by_window import TEXTS

# Without the time of writing, so that the same statistics are the same file.
COMPRESSION = {"method": "gzip", "mtime": 0}


def write(table: pd.DataFrame, path: Path) -> None:
    """Write the statistics of a network's forecasts; the file is complete or absent."""
    with whole(path) as partial:
        table.to_csv(partial, index=False, float_format="%.6g", compression=COMPRESSION)


def read(folder: Path, seed: int, name: str) -> pd.DataFrame:
    """The statistics of the forecasts `name`.

    Raises:
        ValueError: they are not there.
    """
    path = folder / ("regression.csv.gz" if name in UNSEEDED else f"{seed}/{name}.csv.gz")
    if not path.is_file():
        raise ValueError(f"no table {path}; `make evidence` makes all of them")
    table = pd.read_csv(path, dtype=TEXTS, compression="gzip")
    return table[table.forecast == name]
