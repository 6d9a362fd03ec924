import json
from dataclasses import replace

import pytest
import torch

from nephele.forecasting import trained
from nephele.forecasting.ensemble import forecast
from nephele.forecasting.features import features
from nephele.forecasting.trained import TrainedModel
from nephele.network.nephele import Nephele, sources
from nephele.windows.spectra import pixels
from tests import small

LATER = trained.FORMAT + 1


@pytest.fixture
def teacher() -> TrainedModel:
    return TrainedModel(small.network().eval(), small.description("teacher"))


def test_a_network_that_says_nothing_forecasts_gaussian_changes_of_what_persists():
    """An output of zero is the ideal denoiser of unit Gaussian residuals."""
    torch.manual_seed(0)
    silent = TrainedModel(Nephele(small.NETWORK, small.SHAPE).eval(), small.description("student"))
    samples = small.samples(1)

    ensemble = forecast(silent.with_steps(40), samples, members=24, seed=0, leads=5)

    for lead, std in enumerate(pixels(small.SPECTRA, 32)):
        spread = ensemble[0, :, lead].var(dim=0).mean().sqrt().item()
        assert spread == pytest.approx(25.0 * std, rel=0.03)


def test_a_forecast_is_repeated_by_its_seed(teacher):
    samples = small.samples(2)

    first = forecast(teacher, samples, members=3, seed=4)

    assert first.shape == (2, 3, 8, 32, 32)
    assert torch.equal(first, forecast(teacher, samples, members=3, seed=4))
    assert not torch.equal(first, forecast(teacher, samples, members=3, seed=5))


def test_forecasts_of_different_models_share_their_noise(teacher):
    """Models that say nothing differ in nothing else but the noise."""
    torch.manual_seed(0)
    silent = Nephele(small.NETWORK, small.SHAPE).eval()
    samples = small.samples(2)

    first, second = (
        forecast(TrainedModel(silent, small.description(kind)), samples, members=2, seed=1)
        for kind in ("teacher", "control")
    )

    assert torch.equal(first, second)


def test_the_roll_out_begins_where_the_forecast_ends(teacher):
    samples = small.samples(1)
    whole = forecast(teacher, samples, members=2, seed=1)
    short = forecast(teacher, samples, members=2, seed=1, leads=5)

    assert torch.equal(whole[:, :, :5], short)


def test_the_roll_out_of_the_teacher_sees_no_later_era5(teacher):
    samples = small.samples(1)
    other = replace(samples, future=samples.future + 1)

    assert torch.equal(forecast(teacher, samples, 2, 1), forecast(teacher, other, 2, 1))


@pytest.mark.parametrize("kind", ["teacher", "student", "control"])
def test_in_the_roll_out_the_features_are_those_of_what_was_observed(kind):
    """The encoders read once, and what they read was observed."""
    model = TrainedModel(small.network().eval(), small.description(kind))
    samples = small.samples(1)
    network = model.network

    whole = forecast(model, samples, members=1, seed=1)

    passes = []
    encode = network.encode
    network.encode = lambda given: passes.append(given) or encode(given)
    assert torch.equal(forecast(model, samples, members=1, seed=1), whole)
    assert len(passes) == 1  # once a forecast, members and passes alike
    assert passes[0].equal(sources(samples, kind))


def test_a_model_is_the_same_after_it_was_written_and_read(teacher, tmp_path):
    trained.save(tmp_path / "model", teacher)
    back = trained.load(tmp_path / "model")

    assert back.description == teacher.description
    samples = small.samples(1)
    assert torch.equal(forecast(teacher, samples, 2, 0), forecast(back, samples, 2, 0))


def test_weights_of_another_network_are_refused(teacher, tmp_path):
    trained.save(tmp_path / "model", teacher)
    other = replace(teacher.description, network=replace(small.NETWORK, channels=8))
    trained.save(tmp_path / "other", TrainedModel(small.network(other.network), other))
    (tmp_path / "other" / "weights.safetensors").rename(tmp_path / "model" / "weights.safetensors")

    with pytest.raises(ValueError, match=r"weights\.safetensors: not the weights"):
        trained.load(tmp_path / "model")


@pytest.mark.parametrize(
    ("given", "told"),
    [({}, "no format"), ({"format": LATER, "patches": "wavelets"}, f"format {LATER}")],
    ids=["earlier", "later"],
)
def test_weights_of_equal_shapes_that_mean_something_else_are_refused(
    given, told, teacher, tmp_path
):
    trained.save(tmp_path, teacher)
    path = tmp_path / trained.DESCRIPTION
    values = json.loads(path.read_text())
    assert values.pop("format") == trained.FORMAT
    path.write_text(json.dumps(values | given))

    expected = rf"model\.json: {told}, expected format {trained.FORMAT}: .*; train the model again"
    with pytest.raises(ValueError, match=expected):
        trained.load(tmp_path)


@pytest.mark.parametrize("text", ["[]", json.dumps({"format": trained.FORMAT}), "{"])
def test_any_other_json_is_refused(text, teacher, tmp_path):
    trained.save(tmp_path, teacher)
    (tmp_path / trained.DESCRIPTION).write_text(text)

    with pytest.raises(ValueError, match=r"model\.json: not the description of a model"):
        trained.load(tmp_path)


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"no weights\.safetensors"):
        trained.load(tmp_path)


def test_features_are_named_by_kind_and_resolution(teacher):
    samples = small.samples(3)
    found = features(teacher, samples, sigma=0.7, noise=torch.randn(3, 5, 32, 32))

    assert {name: tuple(maps.shape) for name, maps in found.items()} == {
        ("encoder", 4): (3, 4, 16, 4, 4),
        ("encoder", 8): (3, 4, 16, 8, 8),
        ("attention", 4): (3, 4, 16, 4, 4),
        ("attention", 8): (3, 4, 16, 8, 8),
    }


def test_the_teachers_features_know_era5_and_the_students_do_not(teacher):
    samples = small.samples(2)
    other = replace(samples, era5=samples.era5 + 1)
    noise = torch.randn(2, 5, 32, 32)
    student = replace(teacher, description=small.description("student"))

    for model, same in ((teacher, False), (student, True)):
        first, second = (features(model, some, 0.7, noise) for some in (samples, other))
        assert torch.equal(first["encoder", 4], second["encoder", 4]) == same


def test_ddpm_is_refused_where_noise_is_red():
    with pytest.raises(ValueError, match=r"ddpm adds white noise.*expected dpm-solver"):
        replace(small.description("teacher"), sampler="ddpm")
