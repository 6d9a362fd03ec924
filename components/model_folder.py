"""What MLflow must know of the folder of a trained model to serve it; read without torch."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from components.execution import requirements

LOADER = "components.serving"  # the module that MLflow loads such a folder with
# As nephele.forecasting.trained has them, which needs torch.
WEIGHTS, DESCRIPTION = "weights.safetensors", "model.json"
NEEDED = {
    "kind": (),
    "shape": ("variables", "history", "size"),
    "lead_hours": (),
    "trained_on": ("cell_km", "spacing_hours"),
}
REQUIREMENTS = "requirements.txt"
OPTIONS = {"members": 8, "seed": 0}  # of a forecast, where the client says nothing else
ANY = -1  # a size that the caller chooses

Shape = tuple[int, ...]


class Served(NamedTuple):
    """A model as its clients see it: float32 arrays by name in, one array out."""

    kind: str
    inputs: Mapping[str, Shape]
    output: Shape


def described(folder: Path) -> dict[str, Any]:
    """The description of the model in `folder`, which has all that is `NEEDED`.

    Raises:
        ValueError: it is missing, or says something else.
    """
    path = folder / DESCRIPTION
    try:
        about = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: not the description of a model ({error})") from None
    missing = _missing(about)
    if missing:
        raise ValueError(
            f"{path}: no {', '.join(missing)}, so not the description of a model of today; "
            "train it again"
        )
    return about


def _missing(about: Any) -> list[str]:
    """What a description lacks of `NEEDED`, by dotted names."""
    if not isinstance(about, dict):
        return list(NEEDED)
    missing = [name for name in NEEDED if not about.get(name)]
    for name in NEEDED.keys() - missing:
        within = about[name] if isinstance(about[name], dict) else {}
        missing += [f"{name}.{part}" for part in NEEDED[name] if part not in within]
    return missing


def served(folder: Path) -> Served:
    """What the model in `folder` takes and gives, from its description.

    `history` is (batch, history, y, x), K; a teacher also takes `era5` and `valid`,
    (batch, variable, history, y, x). The output is (batch, member, lead, y, x), K.

    Raises:
        ValueError: the description is missing, or says something else.
    """
    about = described(folder)
    kind, shape = about["kind"], about["shape"]
    size, frames = shape["size"], (shape["history"], shape["size"], shape["size"])
    inputs: dict[str, Shape] = {"history": (ANY, *frames)}
    if kind == "teacher":
        fields = (ANY, len(shape["variables"]), *frames)
        inputs |= {"era5": fields, "valid": fields}
    return Served(kind, inputs, (ANY, ANY, len(about["lead_hours"]), size, size))


def summary(folder: Path) -> str:
    """What a client must know of the model in `folder`, in a sentence.

    Raises:
        ValueError: as `served`.
    """
    about = described(folder)
    shape, frames, leads = about["shape"], about["trained_on"], about["lead_hours"]
    return (
        f"Takes {shape['history']} frames {frames['spacing_hours']} h apart, the last at the "
        f"initial time, of {shape['size']} × {shape['size']} cells of {frames['cell_km']:g} km, in "
        f"K; gives an ensemble of {len(leads)} frames up to +{leads[-1]} h, in K."
    )


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
