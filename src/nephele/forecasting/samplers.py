"""Samplers, from diffusers: they turn noise into forecasts with a denoiser's help.

A denoiser takes clean + sigma × noise. Schedulers of the variance preserving process see
that divided by sqrt(sigma² + 1); both are the same forecast.
"""

from collections.abc import Callable
from typing import Literal

from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from diffusers.schedulers.scheduling_edm_dpmsolver_multistep import EDMDPMSolverMultistepScheduler
from torch import Generator, Tensor

from nephele.network.shapes import Frames

Sampler = Literal["dpm-solver++", "euler", "ddim", "ddpm"]
Denoise = Callable[[Frames, float], Frames]  # clean + sigma × noise, sigma -> clean


def sample(
    denoise: Denoise,
    noise: Frames,
    sampler: Sampler,
    steps: int,
    sigmas: tuple[float, float],
    generator: Generator,
) -> Frames:
    """Denoise `noise`, of unit variance, in `steps` evaluations of `denoise`.

    Args:
        sigmas: smallest and largest noise that DPM-Solver++ and Euler's method pass through (the
            others follow the linear schedule of 1000 steps).
        generator: of the noise that DDPM adds on its way.
    """
    if sampler in ("dpm-solver++", "euler"):
        return _noise_levels(denoise, noise, 2 if sampler == "dpm-solver++" else 1, steps, sigmas)
    return _variance_preserving(denoise, noise, sampler, steps, generator)


def _noise_levels(
    denoise: Denoise, noise: Frames, order: int, steps: int, sigmas: tuple[float, float]
) -> Frames:
    """DPM-Solver++(2M), Lu et al. 2022, arXiv:2211.01095, on the noise levels of EDM.

    Of first order it is Euler's method on EDM's equation, which is DDIM (there, section 4.2).
    """
    scheduler = EDMDPMSolverMultistepScheduler(
        sigma_min=sigmas[0], sigma_max=sigmas[1], sigma_data=1.0, solver_order=order
    )
    scheduler.set_timesteps(steps)
    noisy = noise * sigmas[1]
    for position, time in enumerate(scheduler.timesteps):
        sigma = float(scheduler.sigmas[position])
        # The scheduler preconditions for itself, so it is handed the raw output (sigma_data 1).
        output = (denoise(noisy, sigma) * (sigma**2 + 1) - noisy) / (sigma * (sigma**2 + 1) ** 0.5)
        noisy = scheduler.step(output, time, noisy).prev_sample
    return noisy


def _variance_preserving(
    denoise: Denoise, noise: Frames, sampler: Sampler, steps: int, generator: Generator
) -> Frames:
    """DDPM (Ho et al. 2020, arXiv:2006.11239) or DDIM (Song et al. 2021, arXiv:2010.02502)."""
    kind = DDPMScheduler if sampler == "ddpm" else DDIMScheduler
    scheduler = kind(
        beta_schedule="linear",
        clip_sample=False,
        prediction_type="sample",
        timestep_spacing="trailing",
    )
    scheduler.set_timesteps(steps)
    noisy: Tensor = noise
    for time in scheduler.timesteps:
        kept = float(scheduler.alphas_cumprod[time])
        clean = denoise(noisy / kept**0.5, ((1 - kept) / kept) ** 0.5)
        noisy = scheduler.step(clean, time, noisy, generator=generator).prev_sample
    return noisy
