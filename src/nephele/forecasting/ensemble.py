"""Ensemble forecasts in K: the encoders run once, the noise differs from member to member."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from nephele.forecasting.samplers import sample
from nephele.forecasting.trained import TrainedModel
from nephele.network.nephele import Condition, sources
from nephele.network.precision import autocast
from nephele.network.prediction import network_output
from nephele.network.shapes import Frames, History
from nephele.windows.tensors import Samples

Ensemble = Float[Tensor, "batch member lead y x"]
AT_ONCE = 8  # members that are denoised together; more of them are no quicker, and take more memory


def forecast(
    model: TrainedModel, samples: Samples, members: int, seed: int, leads: int | None = None
) -> Ensemble:
    """Forecast brightness temperatures, K.

    Beyond the network's own lead times the forecast is rolled out: its last frames are the
    next history. What the encoders have read stays: later analyses would not be there for the
    teacher, and forecasts show the student nothing new of the environment.

    Args:
        seed: of the noise; the same for whichever model, so that forecasts compare.
        leads: how many frames; all that the model knows lead times of, unless given.
    """
    shape, scales = model.description.shape, model.description.scales
    leads = len(model.lead_hours) if leads is None else leads
    generator = Generator().manual_seed(seed)
    samples = samples.to(model.device)
    condition = _condition(model, samples).repeat(members)
    history = condition.history
    forecasts: list[Frames] = []
    for first in range(0, leads, shape.future):
        if first:
            condition = _later(model, condition, history)
        future = _sampled(model, condition, generator)
        forecasts.append(future)
        history = torch.cat([history, future], dim=1)[:, -shape.history :]
    frames = torch.cat(forecasts, dim=1)[:, :leads] * scales.std + scales.mean
    return frames.unflatten(0, (-1, members)).cpu()


def _condition(model: TrainedModel, samples: Samples) -> Condition:
    with inference(samples.history):
        return model.network.condition(samples.history, sources(samples, model.kind))


def _later(model: TrainedModel, condition: Condition, history: History) -> Condition:
    """The condition of a roll-out: forecasts for history, and the features of what was observed."""
    with inference(history):
        return model.network.conditioned(history, condition.encoded)


def _sampled(model: TrainedModel, condition: Condition, generator: Generator) -> Frames:
    """One forecast of `future` normalised frames for every sample of `condition`."""
    about, prediction = model.description, model.prediction
    count, size = len(condition.history), about.shape.size
    shape = (count, about.shape.future, size, size)
    white = torch.randn(shape, generator=generator).to(condition.history)
    noise = prediction.coloured(white)
    parts = []
    for start in range(0, count, AT_ONCE):
        part = condition.part(slice(start, start + AT_ONCE))

        def denoise(noisy: Frames, sigma: float, part: Condition = part) -> Frames:
            sigmas = torch.full((len(noisy),), sigma, device=noisy.device)
            with inference(noisy):
                output = network_output(model.network, noisy, sigmas, part)
            return prediction.denoised(output.prediction.float(), noisy, sigmas)

        clean = sample(
            denoise,
            noise[start : start + AT_ONCE],
            about.sampler,
            about.steps,
            (about.noise.smallest, prediction.largest_sigma),
            generator,
        )
        parts.append(prediction.frames(clean, part.history))
    return torch.cat(parts)


@contextmanager
def inference(like: Tensor) -> Iterator[None]:
    """No gradients, and bf16 where it is quick: it gives fp32's forecasts to four digits."""
    with torch.inference_mode(), autocast(like.device):
        yield
