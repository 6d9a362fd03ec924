"""The U-Net that denoises (NCSN++, Song et al. 2021, arXiv:2011.13456), open in two places.

Whoever calls it guides it: after the middle block and on the way up at a quarter of the
frames' size it hands its maps over and goes on with what it gets back.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, cat, nn
from torch.nn import functional

from nephele.network.blocks import Resampling, ResidualBlock, SelfAttention, norm
from nephele.network.shapes import Embedding, Maps
from nephele.params import NetworkParams

Guide = Callable[[int, Maps], Maps]  # resolution, maps -> maps


class Backbone(nn.Module):
    """A U-Net from `inputs` maps of `size` pixels a side to `outputs` maps of that size."""

    def __init__(self, params: NetworkParams, size: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.params = params
        self.coarse, self.fine = size // 8, size // 4
        self.resolutions = _resolutions(params, size)
        self.embedding = 4 * params.channels
        widths = [params.channels * factor for factor in params.multipliers]

        self.stem = nn.Sequential(
            nn.PixelUnshuffle(params.patch),
            nn.Conv2d(inputs * params.patch**2, widths[0], 3, padding=1),
        )
        self.place = Place(size // params.patch, widths[0])
        skips = [widths[0]]
        self.down, skips = self._way_down(widths, skips)
        self.middle = nn.ModuleList(self._block(widths[-1], widths[-1]) for _ in range(2))
        self.middle_attention = self._attention(widths[-1], self.coarse)
        self.up = self._way_up(widths, skips)
        self.out = nn.Sequential(
            norm(widths[0]),
            nn.SiLU(),
            zeroed(nn.Conv2d(widths[0], outputs * params.patch**2, 3, padding=1)),
            nn.PixelShuffle(params.patch),
        )

    def channels(self, resolution: int) -> int:
        """Channels of the maps at `resolution`."""
        return self.params.channels * self.params.multipliers[self.resolutions.index(resolution)]

    def forward(self, inputs: Maps, offset: Maps, embedding: Embedding, guide: Guide) -> Maps:
        maps = self.place(self.stem(inputs))
        maps = maps + functional.interpolate(offset, size=maps.shape[-2:], mode="nearest")
        skips = [maps]
        for level in self.down:
            maps, passed = level(maps, embedding)
            skips += passed

        maps = self.middle[0](maps, embedding)
        maps = self.middle[1](self.middle_attention(maps), embedding)
        maps = guide(self.coarse, maps)

        for level in self.up:
            guided = guide if level.resolution == self.fine else None
            maps = level(maps, skips, embedding, guided)
        return self.out(maps)

    def _block(self, inputs: int, outputs: int) -> ResidualBlock:
        return ResidualBlock(inputs, outputs, self.embedding, self.params.dropout)

    def _attention(self, channels: int, resolution: int) -> nn.Module:
        if resolution > self.fine:
            return nn.Identity()
        pool = max(1, resolution // self.params.attention_keys)
        return SelfAttention(channels, self.params.self_attention_head, pool)

    def _way_down(self, widths: list[int], skips: list[int]) -> tuple[nn.ModuleList, list[int]]:
        levels, channels = nn.ModuleList(), widths[0]
        for position, (width, resolution) in enumerate(zip(widths, self.resolutions, strict=True)):
            blocks = nn.ModuleList()
            for _ in range(self.params.blocks):
                blocks.append(self._block(channels, width))
                channels = width
                skips.append(width)
            last = position == len(widths) - 1
            resampling = None if last else Resampling(width, "down", self.params.resampling)
            if not last:
                skips.append(width)
            levels.append(DownLevel(blocks, self._attention(width, resolution), resampling))
        return levels, skips

    def _way_up(self, widths: list[int], skips: list[int]) -> nn.ModuleList:
        levels, channels, remaining = nn.ModuleList(), widths[-1], list(skips)
        for position in reversed(range(len(widths))):
            width, resolution = widths[position], self.resolutions[position]
            blocks = nn.ModuleList()
            for _ in range(self.params.blocks + 1):
                blocks.append(self._block(channels + remaining.pop(), width))
                channels = width
            resampling = Resampling(width, "up", self.params.resampling) if position else None
            attention = self._attention(width, resolution)
            levels.append(UpLevel(blocks, attention, resampling, resolution))
        return levels


class Place(nn.Module):
    """Tells every pixel where it lies about the storm: east, north, and how far away.

    Convolutions see their surroundings alone (Liu et al. 2018, CoordConv, arXiv:1807.03247),
    and what acts on one side of a storm, such as a ridge, is told by one number a scene.
    """

    def __init__(self, size: int, channels: int) -> None:
        super().__init__()
        along = (torch.arange(size) + 0.5) * 2 / size - 1
        north, east = torch.meshgrid(along, along, indexing="ij")
        self.places: Tensor
        places = torch.stack([east, north, torch.hypot(east, north)])[None]
        self.register_buffer("places", places, persistent=False)
        self.project = nn.Conv2d(3, channels, 1)

    def forward(self, maps: Maps) -> Maps:
        return maps + self.project(self.places.to(maps.dtype))


class DownLevel(nn.Module):
    """Blocks, attention after the last, then half the size; every result is kept for the way up."""

    def __init__(
        self, blocks: nn.ModuleList, attention: nn.Module, resampling: Resampling | None
    ) -> None:
        super().__init__()
        self.blocks, self.attention, self.resampling = blocks, attention, resampling

    def forward(self, maps: Maps, embedding: Embedding) -> tuple[Tensor, list[Tensor]]:
        passed = []
        for position, block in enumerate(self.blocks):
            maps = block(maps, embedding)
            if position == len(self.blocks) - 1:
                maps = self.attention(maps)
            passed.append(maps)
        if self.resampling is not None:
            maps = self.resampling(maps)
            passed.append(maps)
        return maps, passed


class UpLevel(nn.Module):
    """Blocks upon the skips, guided after the first, attention, then twice the size."""

    def __init__(
        self,
        blocks: nn.ModuleList,
        attention: nn.Module,
        resampling: Resampling | None,
        resolution: int,
    ) -> None:
        super().__init__()
        self.blocks, self.attention, self.resampling = blocks, attention, resampling
        self.resolution = resolution

    def forward(
        self, maps: Maps, skips: list[Tensor], embedding: Embedding, guide: Guide | None
    ) -> Tensor:
        for position, block in enumerate(self.blocks):
            maps = block(cat([maps, skips.pop()], dim=1), embedding)
            if position == 0 and guide is not None:
                maps = guide(self.resolution, maps)
        maps = self.attention(maps)
        return maps if self.resampling is None else self.resampling(maps)


def zeroed(layer: nn.Conv2d) -> nn.Conv2d:
    """The layer with all weights zero, so that a fresh network predicts nothing."""
    for weights in layer.parameters():
        nn.init.zeros_(weights)
    return layer


def _resolutions(params: NetworkParams, size: int) -> list[int]:
    if size % (8 * params.patch) or size % 8:
        raise ValueError(
            f"frames of {size} pixels a side; expected a multiple of {8 * params.patch}"
        )
    resolutions = [size // params.patch // 2**i for i in range(len(params.multipliers))]
    if resolutions[-1] != size // 8:
        expected = 1 + int(math.log2(8 // params.patch)) if params.patch in (1, 2, 4) else None
        raise ValueError(
            f"patch {params.patch} with {len(params.multipliers)} multipliers ends at "
            f"{resolutions[-1]} pixels a side, expected {size // 8}: patch 1, 2 or 4 with "
            f"{expected or '4, 3 or 2'} multipliers"
        )
    return resolutions
