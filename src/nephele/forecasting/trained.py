"""A trained network with all that a forecast needs, as a folder: weights and a description."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from nephele.forecasting.samplers import Sampler
from nephele.network.nephele import Kind, Nephele, Shape
from nephele.network.plain import Plain
from nephele.network.prediction import Mode, Prediction, prediction
from nephele.params import NetworkParams, NoiseParams, TeacherParams
from nephele.windows.spectra import Spectra
from nephele.windows.tensors import Scales, Windows

WEIGHTS, DESCRIPTION = "weights.safetensors", "model.json"
# What the weights mean, as `format` in the description: raised whenever weights of equal shapes
# come to mean something else. 1: encoders read the cosine modes of a patch. Models without a
# format are older, and their encoders may read its pixels.
FORMAT = 1


@dataclass(frozen=True)
class TrainedOn:
    """The frames of the training, which those that are given must be like.

    Attributes:
        cell_km: size of a cell of the grid.
        spacing_hours: between two frames.
        synthetic: whether they were simulated.
        attribution: whose they are.
    """

    cell_km: float
    spacing_hours: int
    synthetic: bool
    attribution: str

    @classmethod
    def of(cls, windows: Windows) -> "TrainedOn":
        about = windows.attributes
        return cls(
            cell_km=float(about["cell_km"]),
            spacing_hours=windows.lead_hours[0],
            synthetic=bool(int(about.get("synthetic", 0))),
            attribution=str(about.get("attribution", "")),
        )


@dataclass(frozen=True)
class Description:
    """What the weights belong to; everything but the weights themselves."""

    kind: Kind
    network: NetworkParams
    shape: Shape
    mode: Mode
    noise: NoiseParams
    scales: Scales
    spectra: Spectra
    lead_hours: tuple[int, ...]
    trained_on: TrainedOn
    sampler: Sampler
    steps: int

    def __post_init__(self) -> None:
        if self.sampler == "ddpm" and self.mode == "edm" and self.noise.white < 1:
            raise ValueError(
                f"sampler ddpm adds white noise, but {self.noise.white} of the training noise is "
                "white (noise.white); expected dpm-solver++ or ddim, or noise.white: 1"
            )

    @classmethod
    def of_teacher(cls, windows: Windows, params: TeacherParams) -> "Description":
        """Of a teacher to be trained on `windows`, which have the hindsight that they have."""
        shape = Shape(
            windows.variables, windows.history, windows.future, windows.size, windows.hindsight
        )
        return cls(
            kind="teacher",
            network=params.network,
            shape=shape,
            mode=params.prediction,
            noise=params.noise,
            scales=windows.scales,
            spectra=Spectra.of(windows),
            lead_hours=windows.lead_hours,
            trained_on=TrainedOn.of(windows),
            sampler=params.sampling.sampler,
            steps=params.sampling.steps[0],
        )

    def untrained(self) -> Nephele:
        """The network that the weights belong to, without them."""
        network = Plain if self.network.era5 == "channels" else Nephele
        return network(self.network, self.shape)


@dataclass(frozen=True)
class TrainedModel:
    """A network in evaluation mode, and its description."""

    network: Nephele
    description: Description

    @property
    def kind(self) -> Kind:
        return self.description.kind

    @property
    def device(self) -> torch.device:
        """Where the network is; forecasts come back to the processor."""
        return next(self.network.parameters()).device

    @property
    def variables(self) -> tuple[str, ...]:
        return self.description.shape.variables

    @property
    def lead_hours(self) -> tuple[int, ...]:
        return self.description.lead_hours

    @property
    def steps(self) -> int:
        """Evaluations of the network for one forecast of `future` frames."""
        return self.description.steps

    @property
    def prediction(self) -> Prediction:
        about = self.description
        return prediction(about.mode, about.spectra, about.noise)

    def view(self, windows: Windows) -> Windows:
        """The windows with what this model may see of ERA5: of the future only with hindsight."""
        return replace(windows, hindsight=self.description.shape.hindsight)

    def with_steps(self, steps: int) -> "TrainedModel":
        """The same model, sampling in another number of steps."""
        return replace(self, description=replace(self.description, steps=steps))

    def untrained(self, seed: int) -> "TrainedModel":
        """The same network with the weights it might have had before training."""
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            fresh = self.description.untrained()
        return replace(self, network=fresh.eval())


def save(folder: Path, model: TrainedModel) -> None:
    """Write `model` into `folder` (weights.safetensors, model.json)."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: tensor.contiguous() for name, tensor in model.network.state_dict().items()}
    save_file(weights, folder / WEIGHTS)
    text = json.dumps({"format": FORMAT} | asdict(model.description), indent=2)
    (folder / DESCRIPTION).write_text(text + "\n")


def load(folder: Path) -> TrainedModel:
    """Read a model that `save` wrote, ready to forecast.

    Raises:
        ValueError: a file is missing or damaged, weights and description do not fit, or the weights
            are of another format.
    """
    for name in (WEIGHTS, DESCRIPTION):
        if not (folder / name).is_file():
            raise ValueError(f"{folder}: no {name}; expected a folder that a training stage wrote")
    description = _described(folder / DESCRIPTION)
    network = description.untrained()
    try:
        network.load_state_dict(load_file(folder / WEIGHTS))
    except (SafetensorError, RuntimeError) as error:
        raise ValueError(
            f"{folder / WEIGHTS}: not the weights of the network in {DESCRIPTION}: {error}"
        ) from None
    network = network.channels_last().to(fastest_device())
    return TrainedModel(network.eval().requires_grad_(False), description)


def fastest_device() -> torch.device:
    """The GPU, where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _described(path: Path) -> Description:
    try:
        values: Any = json.loads(path.read_text())
        _check_format(values, path)
        return TypeAdapter(Description).validate_python(values)
    except (json.JSONDecodeError, ValidationError) as error:
        raise ValueError(f"{path}: not the description of a model: {error}") from None


def _check_format(values: Any, path: Path) -> None:
    """Before all else: a description of another format may have other fields too."""
    if not isinstance(values, dict) or values.get("format") == FORMAT:
        return
    found = f"format {values['format']!r}" if "format" in values else "no format"
    raise ValueError(
        f"{path}: {found}, expected format {FORMAT}: the weights are of another version of "
        "Nephele, to which they may mean something else; train the model again, or use that version"
    )
