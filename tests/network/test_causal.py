import pytest
import torch

from nephele.network.causal import (
    CausalDecomposition,
    CausalHeads,
    EffectMatrix,
    straight_through_top,
)


def test_the_mask_keeps_the_best_and_its_gradient_is_the_sigmoids():
    scores = torch.tensor([[[0.3, -1.0, 2.0, 0.1]]], requires_grad=True)
    upstream = torch.tensor([[[1.0, 2.0, 3.0, 4.0]]])

    mask = straight_through_top(scores, 2)
    (mask * upstream).sum().backward()

    assert mask.tolist() == [[[1.0, 0.0, 1.0, 0.0]]]
    soft = scores.detach().sigmoid()
    torch.testing.assert_close(scores.grad, upstream * soft * (1 - soft))


def test_the_parts_add_up_and_only_the_causal_one_carries_a_gradient():
    decompose = CausalDecomposition(variables=2, features=10, share=0.7)
    features = torch.randn(3, 2, 10, 4, 4, requires_grad=True)

    parts = decompose(features)

    torch.testing.assert_close(parts.causal + parts.non_causal, features)
    assert not parts.non_causal.requires_grad
    kept = (parts.causal.detach().abs().sum(dim=(3, 4)) > 0).sum(dim=2)
    assert (kept == 7).all()


def test_the_average_follows_a_constant_effect_geometrically():
    matrix = EffectMatrix(variables=4, future=5, decay=0.9)
    effect = torch.rand(4, 5)

    for _ in range(7):
        matrix.update(effect)

    torch.testing.assert_close(matrix.average, (1 - 0.9**7) * effect)
    torch.testing.assert_close(matrix.effects, matrix.average)  # the residual starts at zero


def test_features_grow_by_the_mean_effect_of_their_variable():
    matrix = EffectMatrix(variables=2, future=2)
    matrix.average.copy_(torch.tensor([[0.0, 1.0], [2.0, 4.0]]))
    features, causal = torch.ones(1, 2, 3, 4, 4), torch.full((1, 2, 3, 4, 4), 2.0)

    enhanced = matrix.enhance(features, causal)

    assert enhanced[0, :, 0, 0, 0].tolist() == [1 + 0.5 * 2, 1 + 3 * 2]


def test_the_direct_effect_of_a_linear_head_is_the_spread_of_its_predictions():
    heads = CausalHeads(variables=1, features=2, future=1, projection=4)
    # Far from zero the SiLU is the identity, so the head is linear.
    heads.inward.data = torch.eye(2)[None]
    heads.outward.data = torch.tensor([[[3.0], [0.0]]])
    causal = torch.tensor([[[30.0, 50.0]], [[32.0, 70.0]], [[34.0, 90.0]]])

    effects = heads.direct_effects(causal)

    assert effects.item() == pytest.approx(3.0 * 2.0, rel=1e-5)


def test_a_variable_that_does_not_vary_has_no_effect():
    heads = CausalHeads(variables=3, features=4, future=5, projection=4)
    causal = torch.randn(1, 3, 4).expand(6, -1, -1)

    torch.testing.assert_close(heads.direct_effects(causal), torch.zeros(3, 5))
