"""Noise that hides large structures as well as small ones.

White noise leaves them visible: the mean of a frame of 128² pixels can be read through noise
128 times as strong. A network then learns to read the mean of the future off its noisy
frames, which in a forecast, begun from noise alone, tell it nothing. So a part of the
noise is red, like the frames (Hoogeboom et al. 2023, arXiv:2301.11093, section 2, see the
same and raise the noise level instead).
"""

from functools import cache

import torch
from jaxtyping import Float
from torch import Tensor

from nephele.network.shapes import Frames

BEND = 2.0  # waves a frame above which the red part falls off
SLOPE = 3.0  # of its power density


def coloured(white: Frames, red: float) -> Frames:
    """Noise of unit variance, of which the share `red` is in large structures.

    The map is linear, so that equal white noise gives equal coloured noise.
    """
    if red == 0:
        return white
    filtered = torch.fft.rfft2(white) * _amplitudes(white.shape[-1], red).to(white.device)
    return torch.fft.irfft2(filtered, s=white.shape[-2:])


@cache
def _amplitudes(size: int, red: float) -> Float[Tensor, "y half"]:
    """By wavenumber; their mean square over all wavenumbers is 1."""
    both = torch.fft.fftfreq(size, 1 / size)
    power = _red(torch.hypot(both[:, None], both))
    half = _red(torch.hypot(both[:, None], torch.fft.rfftfreq(size, 1 / size)))
    return (1 - red + red * half / power.mean()).sqrt()


def _red(wavenumber: Tensor) -> Tensor:
    return 1 / (1 + (wavenumber / BEND) ** SLOPE)
