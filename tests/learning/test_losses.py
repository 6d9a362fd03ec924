import math

import pytest
import torch

from nephele.learning import losses
from nephele.network.causal import CausalHeads


def test_the_score_loss_of_an_output_that_is_off_by_two_is_four():
    target = torch.randn(2, 5, 8, 8)

    assert losses.score_loss(target + 2, target).item() == pytest.approx(4.0, rel=1e-5)


def test_the_teacher_learns_nothing_from_distillation():
    student = torch.randn(2, 5, 8, 8, requires_grad=True)
    teacher = torch.randn(2, 5, 8, 8, requires_grad=True)

    losses.distillation_loss(student, teacher).backward()

    assert teacher.grad is None
    torch.testing.assert_close(student.grad, 2 * (student - teacher).detach() / student.numel())


def test_the_feature_loss_weighs_kinds_and_resolutions_alike():
    teacher = {
        ("encoder", 16): torch.zeros(1, 4, 3, 4, 4),
        ("attention", 32): torch.zeros(1, 4, 3, 8, 8),
    }
    student = {
        ("encoder", 16): torch.ones(1, 4, 3, 4, 4),
        ("attention", 32): 3 + teacher["attention", 32],
    }

    assert losses.feature_loss(student, teacher).item() == pytest.approx((1 + 9) / 2)


def test_predicting_no_change_costs_one_whatever_the_change():
    heads = CausalHeads(variables=4, features=6, future=5, projection=8)
    heads.outward.data.zero_()
    clean = 0.1 * torch.randn(8, 5, 16, 16)

    loss = losses.prediction_loss(heads, torch.randn(8, 4, 6), clean)

    assert loss.item() == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize(
    ("near", "far", "entropy", "hinge"),
    [
        ([1.0, 0.0], [-1.0, 0.0], 0.0, 0.0),  # causal alike, the others opposite: nothing to do
        ([0.0, 1.0], [0.0, 1.0], math.log(2), 0.3),  # both at right angles
        ([0.6, 0.8], [-0.6, 0.8], -math.log(0.8), 0.0),
    ],
)
def test_mutual_information_has_its_closed_form(near, far, entropy, hinge):
    target = torch.tensor([[1.0, 0.0]])

    found = losses.conditional_mutual_information_loss(
        torch.tensor([near]), torch.tensor([far]), target
    )

    assert found[0].item() == pytest.approx(entropy, abs=1e-5)
    assert found[1].item() == pytest.approx(hinge, abs=1e-6)


@pytest.mark.parametrize(
    ("score", "causal", "expected"),
    [(1.0, 0.5, 0.5), (1.0, 0.0, 100.0), (1e-4, 1.0, 0.01), (2.0, -0.25, 2.0)],
)
def test_the_adaptive_weight_is_a_clamped_ratio_without_gradient(score, causal, expected):
    terms = torch.tensor([score, causal], requires_grad=True)

    weight = losses.adaptive_weight(terms[0], terms[1], balance=4.0)

    assert weight.item() == pytest.approx(expected)
    assert not weight.requires_grad


@pytest.mark.parametrize(("progress", "expected"), [(0.0, 0.0), (0.1, 0.5), (0.2, 1.0), (0.9, 1.0)])
def test_the_causal_term_comes_in_slowly(progress, expected):
    assert losses.ramp(progress, share=0.2) == pytest.approx(expected)
    assert losses.ramp(progress, share=0.0) == 1.0
