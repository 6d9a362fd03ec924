"""Variables look at the clouds: cross-modal attention and the fusion of its features."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from nephele.network.blocks import attend, norm, per_variable
from nephele.network.shapes import Maps, VariableMaps

Weights = Float[Tensor, " variable"]


class CrossModalAttention(nn.Module):
    """Query: a variable's features. Key and value: the satellite's, pooled.

    With `residual` the variable's own features are added to what they attended to, as in
    a transformer; without, ERA5 only routes: its values never reach the output.
    """

    def __init__(
        self,
        variables: int,
        features: int,
        satellite: int,
        heads: int,
        head: int,
        pool: int,
        residual: bool,
    ) -> None:
        super().__init__()
        inner = heads * head
        self.variables, self.heads, self.residual = variables, heads, residual
        self.norm_features = nn.LayerNorm(features)
        self.norm_satellite = norm(satellite)
        self.pool = nn.AvgPool2d(pool) if pool > 1 else nn.Identity()
        self.query = per_variable(variables, features, inner)
        self.key_value = nn.Conv2d(satellite, 2 * variables * inner, 1)
        self.out = per_variable(variables, inner, features)

    def forward(self, features: VariableMaps, satellite: Maps) -> VariableMaps:
        sequence = features.flatten(3).transpose(2, 3)  # batch, variable, place, feature
        query = self._split(self.norm_features(sequence) @ self.query)
        key, value = self._keys_and_values(self.pool(self.norm_satellite(satellite)))
        attended = attend(query, key, value)
        merged = attended.unflatten(0, (-1, self.variables)).transpose(2, 3).flatten(3) @ self.out
        result = sequence + merged if self.residual else merged
        return result.transpose(2, 3).unflatten(3, tuple(features.shape[-2:]))

    def _split(self, sequence: Tensor) -> Tensor:
        """(batch, variable, place, inner) → (batch × variable, head, place, channel)."""
        return sequence.unflatten(3, (self.heads, -1)).transpose(2, 3).flatten(0, 1)

    def _keys_and_values(self, satellite: Tensor) -> tuple[Tensor, Tensor]:
        both = self.key_value(satellite).flatten(2).transpose(1, 2)
        both = both.unflatten(2, (2, self.variables, -1)).permute(2, 0, 3, 1, 4)
        return self._split(both[0]), self._split(both[1])


class Fusion(nn.Module):
    """One map from all variables: softmax weights, learnt, then a projection to the backbone."""

    def __init__(self, variables: int, features: int, channels: int) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(variables))
        self.project = nn.Conv2d(features, channels, 1)

    @property
    def weights(self) -> Weights:
        return self.logits.softmax(dim=0)

    def forward(self, features: VariableMaps) -> Maps:
        # The weights sum to one; times their number, equal weights keep the variance.
        scale = math.sqrt(len(self.logits))
        fused = torch.einsum("v,bvchw->bchw", self.weights.to(features.dtype), features)
        return self.project(scale * fused)
