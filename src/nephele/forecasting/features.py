"""The features that distillation aligns, of any trained network on any samples."""

import torch

from nephele.forecasting.ensemble import inference
from nephele.forecasting.trained import TrainedModel
from nephele.network.nephele import Features, named_features, sources
from nephele.network.prediction import network_output
from nephele.network.shapes import Frames
from nephele.windows.tensors import Samples


def features(model: TrainedModel, samples: Samples, sigma: float, noise: Frames) -> Features:
    """Encoder and attention features, by kind and resolution (pixels a side).

    Args:
        sigma: the noise level at which attention features are looked at.
        noise: white, of unit variance; the same for two networks that are compared.
    """
    network, samples = model.network, samples.to(model.device)
    future = samples.future[:, : model.description.shape.future]
    clean = model.prediction.clean(samples.history, future)
    noise = model.prediction.coloured(noise.to(clean))
    sigmas = torch.full((len(clean),), sigma, device=clean.device)
    with inference(clean):
        condition = network.condition(samples.history, sources(samples, model.kind))
        output = network_output(network, clean + sigma * noise, sigmas, condition)
        named = named_features(condition, output)
    return {name: maps.cpu() for name, maps in named.items()}
