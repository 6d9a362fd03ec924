"""What each variable says: 3-D convolutions over (time, y, x).

There is one encoder a variable and resolution.
"""

import math
from functools import cache

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from nephele.network.cosines import cosines
from nephele.network.shapes import Folded, Sources, VariableMaps

PLACES = 4  # a side, of the means of a whole field
AMPLIFIED = 2.0  # the first modes of a patch of normalised clouds have a deviation of about a half
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
    """The sources with the cosine modes of each patch as channels, clouds' of like variance.

    How rough clouds are tells of the environment, and next to a patch's mean it would hardly
    be seen.
    """
    patches = functional.pixel_unshuffle(sources.transpose(2, 3), patch).transpose(2, 3)
    values, valid = patches.chunk(2, dim=2)
    # In fp32: the modes are small differences of large values.
    with torch.autocast(sources.device.type, enabled=False):
        modes = torch.einsum("mp,bvptyx->bvmtyx", _modes(patch).to(values), values)
    return torch.cat([modes, valid], dim=2)


@cache
def _modes(patch: int) -> Float[Tensor, "mode pixel"]:
    """The cosine transform of a patch, its modes multiplied by what makes them alike.

    Clouds' power density falls with the third power of the wave number (docs/world.md), and so
    a mode's amplitude with its square root.
    """
    along = torch.arange(patch, dtype=torch.float32)
    wave_number = torch.hypot(along[:, None], along).flatten()
    gain = torch.where(wave_number > 0, AMPLIFIED * wave_number**1.5, 1.0)
    return gain[:, None] * torch.kron(cosines(patch), cosines(patch))


class _Encoder(nn.Module):
    """Looks at each field by itself, takes all times together, then space to 1/`reduction`.

    The first convolution halves space, unless patches have been taken together before.
    """

    def __init__(self, channels: list[int], reduction: int, patch: int, times: int) -> None:
        super().__init__()
        first, second, third = channels
        kernel, stride, margin = (1, 1, 0) if patch > 1 else (3, 2, 1)
        to_fine = 4 // max(2, patch)
        # What a single frame shows, such as how rough it is, is lost in a sum over frames.
        self.convolve = nn.Sequential(
            nn.Conv3d(
                2 * patch**2, first, (1, kernel, kernel), (1, stride, stride), (0, margin, margin)
            ),
            nn.SiLU(),
            nn.Conv3d(first, second, (times, 3, 3), (1, to_fine, to_fine), padding=(0, 1, 1)),
            nn.SiLU(),
        )
        self.merge = nn.Conv3d(
            second, third, (1, 3, 3), (1, reduction // 4, reduction // 4), (0, 1, 1)
        )
        self.surroundings = Surroundings(second, third)
        self._keep_variance()

    def forward(self, source: Tensor) -> Tensor:
        # No normalisation: it would take out the large-scale anomaly that ERA5 is read for.
        hidden = self.convolve(source)
        return self.merge(hidden).squeeze(2) + self.surroundings(hidden.squeeze(2))

    def _keep_variance(self) -> None:
        """Start with features as large as what they are of.

        torch's own start would make them twenty times smaller, and the network as a whole would
        be slow to hear of them.
        """
        gain = 1.0
        for layer in [*self.convolve, self.merge]:
            if isinstance(layer, nn.Conv3d):
                weight, bias = layer.parameters()
                nn.init.normal_(weight, std=gain / math.sqrt(weight[0].numel()))
                nn.init.zeros_(bias)
                gain = SILU


class Surroundings(nn.Module):
    """What the whole field says, told to every place of it.

    An environment acts on the whole scene, and what a convolution sees of it about one place is too
    little to know it by. The means of `PLACES` × `PLACES` parts keep which side of the storm is
    which.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(inputs * PLACES**2, inputs), nn.SiLU(), nn.Linear(inputs, outputs)
        )

    def forward(self, maps: Tensor) -> Tensor:
        means = functional.adaptive_avg_pool2d(maps, PLACES)
        return self.layers(means.flatten(1))[:, :, None, None]
