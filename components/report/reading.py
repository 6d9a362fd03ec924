"""What the other stages wrote, read into memory."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr
import yaml

from nephele import params
from nephele.pictures.evidence import Picture


def windows(path: Path) -> tuple[dict, pd.DataFrame]:
    """The attributes of the windows, and their storms and splits: a row a window."""
    with xr.open_zarr(path) as opened:
        table = {
            "storm": [str(name) for name in opened.window_storm.values],
            "split": [str(name) for name in opened.split.values],
        }
        return dict(opened.attrs), pd.DataFrame(table)


def forecasts(path: Path) -> xr.Dataset:
    """The whole forecasts that verification kept."""
    with xr.open_dataset(path, decode_timedelta=False) as opened:
        return opened.load()


def json_file(path: Path) -> dict:
    """A metrics file."""
    try:
        return json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is not valid JSON ({error}); run its stage again") from None


def by_lead(path: Path) -> pd.DataFrame:
    """A table whose rows are of lead times, in hours as text, or of their mean."""
    return pd.read_csv(path, dtype={"lead_hours": str})


def png_files(paths: Iterable[Path]) -> list[Path]:
    """The files themselves; of a folder, its PNG files in the order of their names."""
    return [
        file for path in paths for file in (sorted(path.glob("*.png")) if path.is_dir() else [path])
    ]


def pictures(paths: Iterable[Path]) -> list[Picture]:
    """The same, read; a picture has its file's name."""
    return [Picture(file.stem, file.read_bytes()) for file in png_files(paths)]


def all_parameters(source: str) -> dict:
    """The sections of all stages in params.yaml; from its path, or from itself as JSON.

    Kubeflow turns whole numbers to floats; here they are whole again, so that runs compare.
    """
    if source.startswith("{"):
        return _whole_numbers(json.loads(source))
    if not Path(source).is_file():
        raise ValueError(f"--parameters: no file {source}; expected a params.yaml")
    sections = yaml.safe_load(Path(source).read_text())
    return _whole_numbers({name: sections[name] for name in params.SECTIONS})


def _whole_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _whole_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole_numbers(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
