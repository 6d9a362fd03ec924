"""Frames parted into scales by the cosine transform, as tensors: `windows.spectra` says why."""

from functools import cache

import numpy as np
import scipy.fft
import torch
from jaxtyping import Float
from torch import Tensor


def filtered(
    frames: Float[Tensor, "*frames y x"], gain: Float[Tensor, "*gain y x"]
) -> Float[Tensor, "*both y x"]:
    """Frames whose modes are multiplied by `gain`; both may lack leading axes of the other."""
    modes = cosines(frames.shape[-1]).to(frames)
    return modes.T @ (gain.to(frames) * (modes @ frames @ modes.T)) @ modes


@cache
def cosines(size: int) -> Float[Tensor, "mode pixel"]:
    """The orthonormal cosine transform (DCT-II) as a matrix."""
    return torch.from_numpy(scipy.fft.dct(np.eye(size), axis=0, norm="ortho")).float()
