from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml
from pydantic import TypeAdapter
from torch import Generator, nn

from nephele import params
from nephele.learning.objectives import noised, teacher_objective
from nephele.network.backbone import Backbone
from nephele.network.nephele import Nephele, Shape, sources
from nephele.network.prediction import Residual, network_output
from tests import small

PAPER = Path("experiments/paper.yaml")


def _run(network: Nephele, kind: str, samples=None, noisy_seed: int = 2):
    samples = small.samples() if samples is None else samples
    torch.manual_seed(noisy_seed)
    noisy = torch.randn_like(samples.future[:, :5])
    condition = network.condition(samples.history, sources(samples, kind))
    return network_output(network, noisy, torch.ones(len(noisy)), condition)


def test_a_fresh_network_predicts_nothing():
    torch.manual_seed(0)
    fresh = Nephele(small.NETWORK, small.SHAPE)

    assert not _run(fresh, "teacher").prediction.any()


def test_the_student_never_sees_era5():
    network = small.network()
    samples = small.samples()
    other = replace(samples, era5=samples.era5 + 1, valid=0 * samples.valid)

    student = _run(network, "student", samples).prediction
    assert torch.equal(student, _run(network, "student", other).prediction)
    assert not torch.equal(
        _run(network, "teacher", samples).prediction, _run(network, "teacher", other).prediction
    )


def test_nobody_sees_the_future():
    network, samples = small.network(), small.samples()
    other = replace(samples, future=samples.future + 1)

    for kind in ("teacher", "student"):
        assert torch.equal(
            _run(network, kind, samples).prediction, _run(network, kind, other).prediction
        )


def test_without_its_residual_the_attention_only_routes_era5():
    """All pixels of the clouds alike, every key is the same: routing changes nothing."""
    routing = replace(small.NETWORK, attention_residual=False)
    outputs = []
    for architecture in (routing, small.NETWORK):
        attention = small.network(architecture).attention["8"]
        torch.manual_seed(0)
        clouds = torch.randn(2, 16, 1, 1).expand(-1, -1, 8, 8)
        first, second = torch.randn(2, 2, 4, 16, 8, 8)
        outputs.append((attention(first, clouds), attention(second, clouds)))

    (routed, rerouted), (added, other) = outputs
    torch.testing.assert_close(routed, rerouted)
    assert (added - other).abs().mean() > 0.5


def test_inference_and_training_are_the_same_function():
    network = small.network()
    effects = network.effect_matrix.average.clone()

    trained = _run(network.train(), "teacher").prediction
    inferred = _run(network.eval(), "teacher").prediction

    assert torch.equal(trained, inferred)
    assert torch.equal(effects, network.effect_matrix.average)


def test_one_sample_does_not_depend_on_the_others():
    network = small.network()
    samples = small.samples()
    alone = replace(
        samples,
        history=samples.history[:1],
        future=samples.future[:1],
        era5=samples.era5[:1],
        valid=samples.valid[:1],
    )
    torch.manual_seed(2)
    noisy = torch.randn_like(samples.future[:, :5])
    outputs = []
    for some in (samples, alone):
        condition = network.condition(some.history, sources(some, "teacher"))
        count = len(some.history)
        outputs.append(network_output(network, noisy[:count], torch.ones(count), condition))

    torch.testing.assert_close(outputs[0].prediction[:1], outputs[1].prediction)


@pytest.mark.parametrize(("patch", "multipliers"), [(1, [1, 2]), (8, [1]), (4, [1, 2, 2])])
def test_a_backbone_that_does_not_end_at_an_eighth_is_refused(patch, multipliers):
    with pytest.raises(ValueError, match=r"pixels a side"):
        Backbone(replace(small.NETWORK, patch=patch, multipliers=multipliers), 32, 9, 5)


@pytest.fixture(scope="module")
def paper() -> tuple[Nephele, Shape]:
    section = yaml.safe_load(Path("params.yaml").read_text())["pretrain_teacher"]["network"]
    section |= yaml.safe_load(PAPER.read_text())["pretrain_teacher"]["network"]
    shape = Shape(("sst", "msl", "z", "r"), 4, 5, 128)
    architecture = TypeAdapter(params.NetworkParams).validate_python(section)
    return small.network(architecture, shape), shape


def test_the_paper_configuration_has_the_sizes_of_the_design(paper):
    network, _ = paper
    backbone = network.backbone

    assert backbone.resolutions == [128, 64, 32, 16]
    assert [backbone.channels(r) for r in (128, 64, 32, 16)] == [96, 192, 288, 384]
    assert network.params.encoder_channels == [96, 192, 384]
    assert network.temporal.heads == 4
    for size in ("16", "32"):
        attention = network.attention[size]
        assert attention.query.shape == (4, 384, 6 * 64)
        assert attention.heads == 6
        assert network.fusion[size].weights.shape == (4,)
    assert network.effect_matrix.effects.shape == (4, 5)
    assert network.decomposition.kept == round(0.7 * 384)
    assert network.causal_heads.project_causal.out_features == 128


def test_the_paper_configuration_has_as_many_weights_as_its_sizes_give(paper):
    """By hand: the inputs and outputs of every residual block of an NCSN++ of these sizes."""
    network, _ = paper
    down = [(96, 96), (96, 96), (96, 192), (192, 192), (192, 288), (288, 288), (288, 384)]
    down += [(384, 384)]
    middle = [(384, 384)] * 2
    up = [(384 + skip, 384) for skip in (384, 384, 288)]
    up += [(384 + 288, 288), (288 + 288, 288), (288 + 192, 288)]
    up += [(288 + 192, 192), (192 + 192, 192), (192 + 96, 192)]
    up += [(192 + 96, 96), (96 + 96, 96), (96 + 96, 96)]
    blocks = sum(
        9 * inputs * outputs + 9 * outputs**2  # two 3 x 3 convolutions
        + (inputs * outputs if inputs != outputs else 0)  # the skip
        + 384 * 2 * outputs  # scale and shift by the noise level
        for inputs, outputs in down + middle + up
    )  # fmt: skip
    resampling = 9 * sum(width**2 for width in (96, 192, 288, 384, 288, 192))
    attention = 4 * (3 * 384**2 + 2 * 288**2)  # query, key, value and out, at 16 and at 32 pixels
    ends = 9 * 9 * 96 + 9 * 96 * 5  # nine frames in, five out
    counted = blocks + resampling + attention + ends

    # Biases and norms are the rest, less than one hundredth.
    assert counted < _weights(network.backbone) < 1.01 * counted
    # All of the network, as it was once printed: it changes only where the architecture does.
    assert _weights(network) == 71_986_658


def _weights(module: nn.Module) -> int:
    return sum(weight.numel() for weight in module.parameters())


def test_the_paper_configuration_runs_at_its_resolutions(paper):
    network, shape = paper
    samples = small.samples(1, shape)
    with torch.no_grad():
        condition = network.condition(samples.history, sources(samples, "teacher"))
        output = network_output(network, samples.future[:, :5], torch.ones(1), condition)

    assert {size: tuple(maps.shape) for size, maps in condition.encoded.items()} == {
        16: (1, 4, 384, 16, 16),
        32: (1, 4, 384, 32, 32),
    }
    assert {size: tuple(maps.shape) for size, maps in output.attention.items()} == {
        16: (1, 4, 384, 16, 16),
        32: (1, 4, 384, 32, 32),
    }
    assert output.decomposition.causal.shape == (1, 4, 384, 32, 32)
    assert output.prediction.shape == (1, 5, 128, 128)


def test_every_weight_of_the_paper_configuration_learns(paper):
    network, shape = paper
    samples = small.samples(1, shape)
    draw = noised(
        Residual(small.spectra(samples.history.shape[-1]), small.NOISE),
        samples,
        5,
        Generator().manual_seed(0),
    )

    teacher_objective(small.CAUSAL, steps=10)(network, samples, draw, 10).total.backward()

    unmoved = {name for name, weight in network.named_parameters() if weight.grad is None}
    assert unmoved == set()
