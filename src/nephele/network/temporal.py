"""Causal attention over time, in front of the backbone."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from nephele.network.shapes import Maps

Sequence = Float[Tensor, "batch time y x"]


class TemporalAttention(nn.Module):
    """At each place of a quarter-size map, each frame attends to itself and to those before it.

    The frames are history and noisy future in their order. The result enters through a
    gate that is zero at first, so that a fresh network is the backbone alone.
    """

    def __init__(self, frames: int, channels: int, heads: int, outputs: int) -> None:
        super().__init__()
        self.heads = heads
        self.embed = nn.Conv2d(1, channels, 4, stride=4)
        self.position = nn.Parameter(0.02 * torch.randn(frames, channels, 1, 1))
        self.norm = nn.GroupNorm(1, channels)
        self.query_key_value = nn.Conv2d(channels, 3 * channels, 1)
        self.merge = nn.Conv2d(frames * channels, outputs, 1)
        self.gate = nn.Parameter(torch.zeros(()))

    def forward(self, frames: Sequence) -> Maps:
        batch, time = frames.shape[:2]
        embedded = self.embed(frames.flatten(0, 1)[:, None]).unflatten(0, (batch, time))
        embedded = (embedded + self.position).flatten(0, 1)
        both = embedded.unflatten(0, (batch, time)) + self._attend(embedded, time)
        return self.gate * self.merge(both.flatten(1, 2))

    def _attend(self, embedded: Tensor, time: int) -> Tensor:
        parts = self.query_key_value(self.norm(embedded)).unflatten(0, (-1, time))
        query, key, value = parts.unflatten(2, (3, self.heads, -1)).unbind(2)
        # Nine frames at a thousand places: with the places last, products and sums run over
        # long rows. A matrix product a place and head took twice as long (compact, CPU).
        scores = (query[:, :, None] * key[:, None]).sum(4) / math.sqrt(query.shape[3])
        later = torch.ones(time, time, dtype=torch.bool, device=scores.device).triu(1)
        scores = scores.masked_fill(later[:, :, None, None, None], -math.inf)
        attended = (scores.softmax(2)[:, :, :, :, None] * value[:, None]).sum(2)
        return attended.flatten(2, 3)
