"""What each variable says: 3-D convolutions over (time, y, x).

There is one encoder a variable and resolution.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from nephele.network.shapes import Folded, Sources, VariableMaps

SILU = 1.68  # what brings the activations of a standard normal back to unit mean square


class VariableEncoders(nn.Module):
    """One encoder for every variable, to maps of 1/`reduction` of the fields' size.

    The teacher's read that variable's fields, the student's the history of clouds.
    """

    def __init__(
        self, variables: int, channels: list[int], reduction: int, patch: int, times: int
    ) -> None:
        super().__init__()
        self.encoders = nn.ModuleList(
            _Encoder(channels, reduction, patch, times) for _ in range(variables)
        )

    def forward(self, sources: Folded) -> VariableMaps:
        maps = [encode(sources[:, v]) for v, encode in enumerate(self.encoders)]
        return torch.stack(maps, dim=1)


def folded(sources: Sources, patch: int) -> Folded:
    """The sources with the pixels of each patch as channels."""
    return functional.pixel_unshuffle(sources.transpose(2, 3), patch).transpose(2, 3)


class _Encoder(nn.Module):
    """Halves time twice, takes what is left of it together, and space to 1/`reduction`.

    The first convolution halves space, unless patches have been taken together before.
    """

    def __init__(self, channels: list[int], reduction: int, patch: int, times: int) -> None:
        super().__init__()
        left = math.ceil(math.ceil(times / 2) / 2)
        first, second, third = channels
        kernel, stride, margin = (1, 1, 0) if patch > 1 else (3, 2, 1)
        to_fine = 4 // max(2, patch)
        self.convolve = nn.Sequential(
            nn.Conv3d(
                2 * patch**2, first, (3, kernel, kernel), (2, stride, stride), (1, margin, margin)
            ),
            nn.SiLU(),
            nn.Conv3d(first, second, 3, (2, to_fine, to_fine), padding=1),
            nn.SiLU(),
            nn.Conv3d(second, third, (left, 3, 3), (1, reduction // 4, reduction // 4), (0, 1, 1)),
        )
        self._keep_variance()

    def forward(self, source: Tensor) -> Tensor:
        # No normalisation: it would take out the large-scale anomaly that ERA5 is read for.
        return self.convolve(source).squeeze(2)

    def _keep_variance(self) -> None:
        """Start with features as large as what they are of.

        torch's own start would make them twenty times smaller, and the network as a whole would
        be slow to hear of them.
        """
        gain = 1.0
        for layer in self.convolve:
            if isinstance(layer, nn.Conv3d):
                weight, bias = layer.parameters()
                nn.init.normal_(weight, std=gain / math.sqrt(weight[0].numel()))
                nn.init.zeros_(bias)
                gain = SILU
