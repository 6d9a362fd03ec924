from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml

from nephele import params
from nephele.network.backbone import Backbone
from nephele.network.nephele import Nephele, Shape, sources
from nephele.network.prediction import network_output
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
    architecture = params.TypeAdapter(params.NetworkParams).validate_python(section)
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


def test_the_paper_configuration_learns_in_one_pass(paper):
    network, shape = paper
    samples = small.samples(1, shape)
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
    output.prediction.square().mean().backward()
    assert all(
        weight.grad is not None
        for name, weight in network.named_parameters()
        if not name.startswith("causal_heads")
    )
