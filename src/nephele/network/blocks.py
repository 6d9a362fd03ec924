"""The pieces of an NCSN++ backbone (Song et al. 2021, arXiv:2011.13456, appendix H)."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from nephele.network.shapes import Embedding, Maps, Sigma


class NoiseEmbedding(nn.Module):
    """Sines and cosines of the noise level, then two layers."""

    def __init__(self, width: int) -> None:
        super().__init__()
        half = width // 2
        frequencies = torch.exp(torch.linspace(math.log(0.5), math.log(32.0), half))
        self.frequencies: Tensor
        self.register_buffer("frequencies", frequencies, persistent=False)
        self.layers = nn.Sequential(
            nn.Linear(2 * half, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU()
        )

    def forward(self, level: Sigma) -> Embedding:
        angles = level[:, None] * self.frequencies
        return self.layers(torch.cat([angles.sin(), angles.cos()], dim=1))


class ResidualBlock(nn.Module):
    """Two convolutions, scaled and shifted by the noise level, on a skip of variance one half.

    With `recompute` its maps are made once more on the way back instead of kept (Chen et al. 2016,
    arXiv:1604.06174).
    """

    recompute = False

    def __init__(self, inputs: int, outputs: int, embedding: int, dropout: float) -> None:
        super().__init__()
        self.norm_in = norm(inputs)
        self.conv_in = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.modulation = nn.Linear(embedding, 2 * outputs)
        self.norm_out = norm(outputs)
        self.dropout = nn.Dropout(dropout)
        self.conv_out = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.skip = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, maps: Maps, embedding: Embedding) -> Maps:
        if self.recompute and torch.is_grad_enabled():
            return checkpoint(self._changed, maps, embedding, use_reentrant=False)
        return self._changed(maps, embedding)

    def _changed(self, maps: Maps, embedding: Embedding) -> Maps:
        hidden = self.conv_in(functional.silu(self.norm_in(maps)))
        scale, shift = self.modulation(embedding)[:, :, None, None].chunk(2, dim=1)
        hidden = functional.silu(self.norm_out(hidden) * (1 + scale) + shift)
        hidden = self.conv_out(self.dropout(hidden))
        return (self.skip(maps) + hidden) / math.sqrt(2)


class SelfAttention(nn.Module):
    """Every pixel attends to every (pooled) pixel of its own map."""

    def __init__(self, channels: int, head: int, pool: int) -> None:
        super().__init__()
        self.heads = max(1, channels // head)
        self.norm = norm(channels)
        self.query = nn.Conv2d(channels, channels, 1)
        self.key_value = nn.Conv2d(channels, 2 * channels, 1)
        self.out = nn.Conv2d(channels, channels, 1)
        self.pool = nn.AvgPool2d(pool) if pool > 1 else nn.Identity()

    def forward(self, maps: Maps) -> Maps:
        hidden = self.norm(maps)
        query = tokens(self.query(hidden), self.heads)
        key, value = (
            tokens(half, self.heads) for half in self.key_value(self.pool(hidden)).chunk(2, dim=1)
        )
        attended = attend(query, key, value)
        return (maps + self.out(untokens(attended, maps.shape[-2:]))) / math.sqrt(2)


class Resampling(nn.Module):
    """Halves or doubles a map, with the nearest pixel or with a [1 3 3 1] filter (FIR)."""

    def __init__(self, channels: int, direction: str, kind: str) -> None:
        super().__init__()
        self.up = direction == "up"
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.fir = kind == "fir"
        self.filter: Tensor
        self.register_buffer("filter", torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8, persistent=False)

    def forward(self, maps: Maps) -> Maps:
        if self.up:
            return self.conv(self._double(maps))
        return self.conv(self._halve(maps))

    def _halve(self, maps: Maps) -> Maps:
        if not self.fir:
            return functional.avg_pool2d(maps, 2)
        return functional.conv2d(
            maps, self._kernel(maps), stride=2, padding=1, groups=maps.shape[1]
        )

    def _double(self, maps: Maps) -> Maps:
        if not self.fir:
            return functional.interpolate(maps, scale_factor=2.0, mode="nearest")
        # Every output pixel receives two of the four taps a side, hence the factor 4.
        kernel = 4 * self._kernel(maps)
        return functional.conv_transpose2d(maps, kernel, stride=2, padding=1, groups=maps.shape[1])

    def _kernel(self, maps: Tensor) -> Tensor:
        kernel = torch.outer(self.filter, self.filter).to(maps.dtype)
        return kernel.expand(maps.shape[1], 1, 4, 4)


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Softmax attention: (…, queries, head), (…, keys, head) twice → (…, queries, head)."""
    if query.is_cuda:
        return functional.scaled_dot_product_attention(query, key, value)
    # The fused kernel's backward pass takes twice as long on a CPU for heads this narrow.
    scores = (query / math.sqrt(query.shape[-1])) @ key.transpose(-1, -2)
    return scores.softmax(dim=-1) @ value


def norm(channels: int) -> nn.GroupNorm:
    """Group normalisation in groups of about eight channels, at most 32 groups."""
    groups = max(g for g in range(1, min(32, max(1, channels // 8)) + 1) if channels % g == 0)
    return nn.GroupNorm(groups, channels)


def tokens(maps: Tensor, heads: int) -> Tensor:
    """(batch, heads × head, h, w) → (batch, heads, h × w, head)."""
    return maps.flatten(2).unflatten(1, (heads, -1)).transpose(2, 3)


def untokens(sequence: Tensor, size: Sequence[int]) -> Tensor:
    """The inverse of `tokens`."""
    return sequence.transpose(2, 3).flatten(1, 2).unflatten(2, tuple(size))


def per_variable(variables: int, inputs: int, outputs: int) -> nn.Parameter:
    """One linear map a variable, shape (variables, inputs, outputs), of unit gain."""
    return nn.Parameter(torch.randn(variables, inputs, outputs) / math.sqrt(inputs))
