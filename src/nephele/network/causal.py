"""Causal decomposition of a variable's features, and the matrix of effects that it learns.

The reference multiplied the effect into its target during `forward`, so that training saw
what inference cannot. Here `forward` only reads the matrix; the training step updates it.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from nephele.network.blocks import per_variable
from nephele.network.shapes import Effects, Frames, VariableMaps, VariableVectors

Predictions = Float[Tensor, "batch variable future"]
Projected = Float[Tensor, "batch variable projection"]


@dataclass(frozen=True)
class Decomposition:
    """A variable's features, parted by channel; the second part carries no gradient."""

    causal: VariableMaps
    non_causal: VariableMaps


class CausalDecomposition(nn.Module):
    """Scores the channels of each variable; the best `share` are causal, the others are not."""

    def __init__(self, variables: int, features: int, share: float) -> None:
        super().__init__()
        self.kept = max(1, round(share * features))
        self.inward = per_variable(variables, features, features // 2)
        self.outward = per_variable(variables, features // 2, features)

    def forward(self, features: VariableMaps) -> Decomposition:
        pooled = features.mean(dim=(3, 4))
        mask = straight_through_top(self._scores(pooled), self.kept)[..., None, None]
        mask = mask.to(features.dtype)
        return Decomposition(features * mask, (features * (1 - mask)).detach())

    def _scores(self, pooled: VariableVectors) -> VariableVectors:
        hidden = functional.silu(torch.einsum("bvc,vcd->bvd", pooled, self.inward))
        return torch.einsum("bvd,vdc->bvc", hidden, self.outward)


class EffectMatrix(nn.Module):
    """The direct effect of each variable on each lead time.

    `average` is the moving average of the effects that the heads show; `residual` is
    learnt. In units of the residual's standard deviation at that lead (times that: K).
    """

    def __init__(self, variables: int, future: int, decay: float = 0.9) -> None:
        super().__init__()
        self.decay = decay
        self.average: Tensor
        self.register_buffer("average", torch.zeros(variables, future))
        self.residual = nn.Parameter(torch.zeros(variables, future))

    @property
    def effects(self) -> Effects:
        return self.average + self.residual

    @torch.no_grad()
    def update(self, effects: Effects) -> None:
        """Let the average follow `effects`; the training step calls it, `forward` never."""
        self.average.lerp_(effects.to(self.average.dtype), 1 - self.decay)

    def enhance(self, features: VariableMaps, causal: VariableMaps) -> VariableMaps:
        """The features, with their causal part scaled by the variable's mean effect."""
        gain = self.effects.mean(dim=1).to(features.dtype)
        return features + gain[:, None, None, None] * causal


class CausalHeads(nn.Module):
    """What is trained upon the decomposition: predictions of future means, and projections."""

    def __init__(self, variables: int, features: int, future: int, projection: int) -> None:
        super().__init__()
        self.inward = per_variable(variables, features, features)
        self.outward = per_variable(variables, features, future)
        self.project_causal = nn.Linear(features, projection)
        self.project_non_causal = nn.Linear(features, projection)
        self.project_target = nn.Sequential(
            nn.Linear(future * 64, projection), nn.SiLU(), nn.Linear(projection, projection)
        )

    def predict(self, causal: VariableVectors) -> Predictions:
        """Each future frame's mean, in units of the clean frames, from one variable alone."""
        hidden = functional.silu(torch.einsum("bvc,vcd->bvd", causal, self.inward))
        return torch.einsum("bvd,vdk->bvk", hidden, self.outward)

    @torch.no_grad()
    def direct_effects(self, causal: VariableVectors) -> Effects:
        """Root mean square change of the prediction when the features give way to their mean.

        Over a batch of B samples divided by B - 1, since their mean is their own.
        """
        replaced = causal.mean(dim=0, keepdim=True)
        change = self.predict(causal) - self.predict(replaced)
        return (change.square().sum(dim=0) / max(1, len(causal) - 1)).sqrt()

    def target(self, clean: Frames) -> Float[Tensor, "batch projection"]:
        """The features of the future frames themselves: their 8×8 means, projected."""
        pooled = functional.adaptive_avg_pool2d(clean, 8)
        return self.project_target(pooled.flatten(1))


def straight_through_top(scores: VariableVectors, kept: int) -> VariableVectors:
    """1 for the `kept` largest scores, else 0; its gradient is that of the scores' sigmoid.

    Bengio et al. 2013, arXiv:1308.3432, section 3 (straight-through estimator).
    """
    top = scores.topk(kept, dim=-1).indices
    hard = torch.zeros_like(scores).scatter(-1, top, 1.0)
    soft = scores.sigmoid()
    return hard + soft - soft.detach()
