"""What the network predicts, and how it becomes a denoiser that behaves alike at every noise.

Both modes share one process, clean + sigma × noise, and one scaling of the network's
input, 1 / sqrt(sigma² + 1): for clean frames of unit variance that is Karras et al. 2022
(arXiv:2206.00364, table 1) with sigma_data = 1, and at the same time the variance
preserving process of DDPM (Ho et al. 2020, arXiv:2006.11239, equation 4) with
alpha-bar = 1 / (sigma² + 1). The modes differ in what is clean, in how sigma is drawn,
and in what the output means.
"""

from dataclasses import dataclass
from functools import cache
from typing import Literal, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from nephele.network.cosines import filtered
from nephele.network.nephele import Condition, Nephele, Output
from nephele.network.shapes import Frames, History, Sigma
from nephele.params import NoiseParams
from nephele.windows.spectra import Spectra, by_mode

Mode = Literal["edm", "noise"]

FARTHEST = 5.0  # standard deviations of the frames: colder or warmer than any


@runtime_checkable
class Prediction(Protocol):
    """One mode: what is clean, which noise is drawn, what the output means."""

    @property
    def largest_sigma(self) -> float: ...

    def clean(self, history: History, future: Frames) -> Frames: ...

    def frames(self, clean: Frames, history: History) -> Frames: ...

    def draw(self, batch: int, generator: Generator) -> Sigma: ...

    def coloured(self, white: Frames) -> Frames: ...

    def target(self, clean: Frames, noise: Frames, sigma: Sigma) -> Frames: ...

    def denoised(self, output: Frames, noisy: Frames, sigma: Sigma) -> Frames: ...


@dataclass(frozen=True)
class Residual:
    """EDM: what the persistence of each scale leaves of the future, of unit variance at each lead.

    The noise has the spectrum of what is forecast, so that it hides large structures as well
    as small ones. White noise does not: the mean of a frame of 128² pixels can be read
    through noise 128 times as strong, and a network learns to read the future's mean off its
    noisy frames, which in a forecast, begun from noise alone, tell it nothing. EDM's
    equations hold for any Gaussian noise of unit variance a pixel
    (docs/decisions/spectral_residual.md).
    """

    spectra: Spectra
    noise: NoiseParams

    @property
    def largest_sigma(self) -> float:
        return self.noise.largest

    def clean(self, history: History, future: Frames) -> Frames:
        return (future - self._persisting(history, future)) / self._deviation(future)

    def frames(self, clean: Frames, history: History) -> Frames:
        return self._persisting(history, clean) + clean * self._deviation(clean)

    def draw(self, batch: int, generator: Generator) -> Sigma:
        normal = torch.randn(batch, generator=generator)
        return (self.noise.mean + self.noise.deviation * normal).exp().clamp(max=self.largest_sigma)

    def coloured(self, white: Frames) -> Frames:
        return filtered(white, _filters(self.spectra, white.shape[-1], self.noise.white).amplitude)

    def target(self, clean: Frames, noise: Frames, sigma: Sigma) -> Frames:
        s = _column(sigma)
        return (s * clean - noise) / (s**2 + 1).sqrt()

    def denoised(self, output: Frames, noisy: Frames, sigma: Sigma) -> Frames:
        s = _column(sigma)
        return (noisy + s * (s**2 + 1).sqrt() * output) / (s**2 + 1)

    def _persisting(self, history: History, like: Frames) -> Frames:
        """What is left of the last history frame at each lead time."""
        persistence = _filters(self.spectra, like.shape[-1], self.noise.white).persistence
        return filtered(history[:, -1:], persistence)

    def _deviation(self, like: Frames) -> Float[Tensor, "lead 1 1"]:
        filters = _filters(self.spectra, like.shape[-1], self.noise.white)
        return filters.deviation.to(like)[:, None, None]


@dataclass(frozen=True)
class NoiseOfFrames:
    """The reference's mode: the noise of the frames, on the linear schedule of 1000 steps."""

    @property
    def largest_sigma(self) -> float:
        return float(_linear_schedule()[-1])

    def clean(self, history: History, future: Frames) -> Frames:
        return future

    def frames(self, clean: Frames, history: History) -> Frames:
        return clean

    def draw(self, batch: int, generator: Generator) -> Sigma:
        return _linear_schedule()[torch.randint(1000, (batch,), generator=generator)]

    def coloured(self, white: Frames) -> Frames:
        return white

    def target(self, clean: Frames, noise: Frames, sigma: Sigma) -> Frames:
        return noise

    def denoised(self, output: Frames, noisy: Frames, sigma: Sigma) -> Frames:
        # An error of the output counts sigma times: the first steps would leave all that frames can
        # be. So the samplers of DDPM and of the reference cut it off.
        return (noisy - _column(sigma) * output).clamp(-FARTHEST, FARTHEST)


def prediction(mode: Mode, spectra: Spectra, noise: NoiseParams) -> Prediction:
    """The prediction of `mode`."""
    return Residual(spectra, noise) if mode == "edm" else NoiseOfFrames()


def network_output(network: Nephele, noisy: Frames, sigma: Sigma, condition: Condition) -> Output:
    """Run the network on scaled inputs; training and sampling both go through here."""
    scaled = noisy / (_column(sigma) ** 2 + 1).sqrt()
    return network(scaled, sigma.log() / 4, condition)


@dataclass(frozen=True)
class _Filters:
    """Spectra at every mode of frames of one size.

    Attributes:
        persistence: (lead, y, x).
        deviation: (lead,), of the residual's pixels.
        amplitude: (lead, y, x), of noise of unit variance a pixel.
    """

    persistence: Float[Tensor, "lead y x"]
    deviation: Float[Tensor, " lead"]
    amplitude: Float[Tensor, "lead y x"]


@cache
def _filters(spectra: Spectra, size: int, white: float) -> _Filters:
    power = torch.from_numpy(by_mode(spectra.deviation, size)).square()
    variance = power.mean(dim=(1, 2))
    amplitude = ((1 - white) * power / variance[:, None, None] + white).sqrt()
    persistence = torch.from_numpy(by_mode(spectra.persistence, size))
    return _Filters(persistence.float(), variance.sqrt().float(), amplitude.float())


def _linear_schedule() -> Float[Tensor, "1000"]:
    """Sigma of the steps of DDPM's linear schedule, beta from 1e-4 to 0.02."""
    kept = torch.cumprod(1 - torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64), dim=0)
    return ((1 - kept) / kept).sqrt().float()


def _column(sigma: Sigma) -> Float[Tensor, "batch 1 1 1"]:
    return sigma[:, None, None, None]
