from dataclasses import replace

import pytest
import torch
from torch import Generator

from nephele.learning.objectives import noised, teacher_objective
from nephele.network.nephele import sources
from nephele.network.plain import Plain
from nephele.network.prediction import Residual, network_output
from tests import small

PLAIN = replace(small.NETWORK, era5="channels")
HINDSIGHT = replace(small.SHAPE, hindsight=True)


def _run(network, kind, samples):
    noisy = torch.randn(len(samples.history), 5, 32, 32, generator=Generator().manual_seed(2))
    condition = network.condition(samples.history, sources(samples, kind))
    return network_output(network, noisy, torch.ones(len(noisy)), condition)


def test_a_fresh_network_predicts_nothing():
    torch.manual_seed(0)

    assert not _run(Plain(PLAIN, small.SHAPE), "teacher", small.samples()).prediction.any()


def test_it_has_the_backbone_of_the_others_but_for_what_goes_in():
    plain, guided = small.network(PLAIN), small.network()
    here, there = (
        {name: tuple(weight.shape) for name, weight in network.backbone.named_parameters()}
        for network in (plain, guided)
    )

    assert here.pop("stem.1.weight")[1] == 16 * (9 + 2 * 4 * 4)  # of patches of 4 x 4 pixels
    assert there.pop("stem.1.weight")[1] == 16 * 9
    assert here == there
    assert {name for name, _ in plain.named_children()} == {
        *("backbone", "embed", "scene", "temporal")
    }


@pytest.mark.parametrize("params", [PLAIN, small.NETWORK], ids=["channels", "attention"])
@pytest.mark.parametrize("shape", [small.SHAPE, HINDSIGHT], ids=["history", "hindsight"])
def test_the_teacher_sees_every_field_of_every_variable(params, shape):
    network, samples = small.network(params, shape), small.samples(1, shape)
    seen = _run(network, "teacher", samples).prediction

    for field in ("era5", "valid"):
        for variable in range(4):
            for time in range(shape.times):
                changed = getattr(samples, field).clone()
                changed[:, variable, time] += 1
                other = replace(samples, **{field: changed})
                assert not torch.equal(seen, _run(network, "teacher", other).prediction)


def test_the_student_never_sees_era5_and_nobody_the_future():
    network, samples = small.network(PLAIN), small.samples()
    other = replace(samples, era5=samples.era5 + 1, valid=0 * samples.valid)
    later = replace(samples, future=samples.future + 1)

    student = _run(network, "student", samples).prediction
    assert torch.equal(student, _run(network, "student", other).prediction)
    assert torch.equal(student, _run(network, "student", later).prediction)


def test_it_has_no_attention_and_decomposes_no_variable():
    output = _run(small.network(PLAIN), "teacher", small.samples())

    assert output.attention == {}
    assert output.decomposition.causal.shape[1] == 0


def test_every_weight_learns():
    network, samples = small.network(PLAIN), small.samples()
    draw = noised(Residual(small.SPECTRA, small.NOISE), samples, 5, Generator().manual_seed(0))

    teacher_objective(replace(small.CAUSAL, causal=0.0), steps=10)(
        network, samples, draw, 10
    ).total.backward()

    assert [name for name, weight in network.named_parameters() if weight.grad is None] == []


@pytest.mark.parametrize("params", [PLAIN, small.NETWORK], ids=["channels", "attention"])
@pytest.mark.parametrize(
    ("built", "given"), [(small.SHAPE, HINDSIGHT), (HINDSIGHT, small.SHAPE)], ids=["more", "less"]
)
def test_fields_of_other_times_are_refused(params, built, given):
    with pytest.raises(ValueError, match=f"of {given.times} times, expected {built.times}: with"):
        _run(small.network(params, built), "teacher", small.samples(1, given))
