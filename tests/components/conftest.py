"""Windows small enough to know by heart, and models whose forecasts are known."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml
from known_windows import make_windows
from pydantic import TypeAdapter

from nephele.forecasting.trained import Description, TrainedModel, TrainedOn
from nephele.network.nephele import Nephele, Shape
from nephele.params import TeacherParams
from nephele.windows.tensors import Windows
from tests import small

ROOT = Path(__file__).parents[2]


class FakeModel(TrainedModel):
    """Forecasts the truth with a reliable error, and an influence of ERA5.

    Attributes:
        error: standard deviation of its error, K.
        pull: by variable, K by which a unit of ERA5 (of the last history time) shifts the
            last frame of the forecast.
    """

    def __init__(self, error: float, pull: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)) -> None:
        object.__setattr__(self, "error", error)
        object.__setattr__(self, "pull", pull)

    def view(self, windows: Windows) -> Windows:
        return windows


def _fake_forecast(model, samples, members, seed, leads=None):
    """As `forecasting.ensemble.forecast`, for a `FakeModel`."""
    leads = leads or samples.future.shape[1]
    future = samples.future[:, :leads]
    noise = torch.randn(
        (len(future), members + 1, *future.shape[1:]),
        generator=torch.Generator().manual_seed(seed),
    )
    common, own = noise[:, :1], noise[:, 1:]
    # The mean's error is as large as the members' spread about it: a reliable ensemble.
    truth = 265 + 20 * future[:, None]
    pulls = torch.tensor(model.pull)
    shift = (samples.era5[:, :, -1].mean(dim=(-2, -1)) * pulls).sum(dim=1)
    lead = torch.arange(1, leads + 1) / leads
    effect = shift[:, None, None, None, None] * lead[:, None, None]
    return truth + model.error * (common + own) + effect


@pytest.fixture(scope="session")
def tiny_windows() -> Windows:
    return make_windows()


@pytest.fixture(scope="session")
def fake_model():
    return FakeModel


@pytest.fixture(scope="session")
def fake_forecast():
    return _fake_forecast


def make_model(windows: Windows, kind: str, seed: int) -> TrainedModel:
    """A network of the compact configuration, tiny and never trained, for `windows`."""
    torch.manual_seed(seed)
    sections = yaml.safe_load((ROOT / "params.yaml").read_text())
    params = TypeAdapter(TeacherParams).validate_python(sections["pretrain_teacher"])
    network = replace(params.network, channels=8, encoder_channels=[4, 4, 8], self_attention_head=8)
    shape = Shape(windows.variables, windows.history, windows.future, windows.size)
    description = Description(
        kind=kind,
        network=network,
        shape=shape,
        mode="edm",
        noise=params.noise,
        scales=windows.scales,
        spectra=small.SPECTRA,
        lead_hours=windows.lead_hours,
        trained_on=TrainedOn.of(windows),
        sampler="dpm-solver++",
        steps=1,
    )
    return TrainedModel(Nephele(network, shape).eval().requires_grad_(False), description)


@pytest.fixture
def tiny_teacher(tiny_windows) -> TrainedModel:
    return make_model(tiny_windows, "teacher", seed=0)


@pytest.fixture(scope="session")
def make_tiny_model():
    return make_model
