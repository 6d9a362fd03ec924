"""One vector for the whole scene, beside the noise level in every residual block.

The group normalisation of a U-Net takes the mean out of its maps, and what ERA5 knows of
the hours to come is mostly a shift of the whole scene (docs/decisions/spectral_residual.md).
"""

import torch
from torch import nn
from torch.nn import functional

from nephele.network.shapes import Embedding, History, VariableMaps

PLACES = 4  # a side, of the means of the history


class SceneEmbedding(nn.Module):
    """Coarse means of the history and the mean of each variable's features."""

    def __init__(self, history: int, variables: int, features: int, width: int) -> None:
        super().__init__()
        inputs = history * PLACES**2 + variables * features
        self.layers = nn.Sequential(nn.Linear(inputs, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, history: History, encoded: VariableMaps) -> Embedding:
        clouds = functional.adaptive_avg_pool2d(history, PLACES).flatten(1)
        variables = encoded.mean(dim=(3, 4)).flatten(1)
        return self.layers(torch.cat([clouds, variables.to(clouds.dtype)], dim=1))
