"""What MLflow must know of the folder of a trained model to serve it; read without torch."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from components.execution import requirements

LOADER = "components.forecaster"  # the module that MLflow loads such a folder with
DESCRIPTION = "model.json"  # nephele.forecasting.trained writes it, and needs torch
REQUIREMENTS = "requirements.txt"
OPTIONS = {"members": 8, "seed": 0}  # of a forecast, where the client says nothing else
ANY = -1  # a size that the caller chooses

Shape = tuple[int, ...]


class Served(NamedTuple):
    """A model as its clients see it: float32 arrays by name in, one array out."""

    kind: str
    inputs: Mapping[str, Shape]
    output: Shape


def served(folder: Path) -> Served:
    """What the model in `folder` takes and gives, from its description.

    `history` is (batch, history, y, x), K; a teacher also takes `era5` and `valid`,
    (batch, variable, history, y, x). The output is (batch, member, lead, y, x), K.

    Raises:
        ValueError: the description is missing, or says something else.
    """
    path = folder / DESCRIPTION
    try:
        about = json.loads(path.read_text())
        kind, shape, leads = about["kind"], about["shape"], len(about["lead_hours"])
        history, size, variables = shape["history"], shape["size"], len(shape["variables"])
    except (OSError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: not the description of a model ({error!r})") from None
    frames = (history, size, size)
    inputs: dict[str, Shape] = {"history": (ANY, *frames)}
    if kind == "teacher":
        inputs |= dict.fromkeys(("era5", "valid"), (ANY, variables, *frames))
    return Served(kind, inputs, (ANY, ANY, leads, size, size))


def write_requirements(folder: Path) -> None:
    """Note in `folder` the versions of the libraries that train its model here and now."""
    (folder / REQUIREMENTS).write_text("".join(f"{line}\n" for line in sorted(requirements())))


def read_requirements(folder: Path) -> list[str]:
    """What `write_requirements` noted.

    Raises:
        ValueError: nothing.
    """
    path = folder / REQUIREMENTS
    if not path.is_file():
        raise ValueError(
            f"{folder}: no {REQUIREMENTS}, so nobody knows what this model needs; "
            "train it again, or write the file by hand"
        )
    return path.read_text().split()
