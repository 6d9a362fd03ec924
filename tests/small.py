"""A network small enough for tests, and samples for it."""

from dataclasses import replace

import torch
from torch import Generator

from nephele.forecasting.trained import Description, TrainedModel, TrainedOn
from nephele.network.nephele import Nephele, Shape
from nephele.params import (
    CausalWeights,
    NetworkParams,
    NoiseParams,
    OptimisationParams,
    SamplingParams,
    StudentWeights,
    TrainingParams,
)
from nephele.windows.spectra import Spectra, scales
from nephele.windows.tensors import Samples, Scales

SHAPE = Shape(variables=("sst", "msl", "z", "r"), history=4, future=5, size=32)
TRAINED_ON = TrainedOn(cell_km=20.0, spacing_hours=3, synthetic=False, attribution="")
SCALES = Scales(mean=270.0, std=25.0)
NOISE = NoiseParams(mean=-0.4, deviation=1.2, smallest=0.1, largest=20.0, white=0.0)
NETWORK = NetworkParams(
    patch=4,
    channels=16,
    multipliers=[1, 2],
    blocks=1,
    dropout=0.0,
    resampling="nearest",
    self_attention_head=8,
    attention_keys=4,
    temporal_channels=4,
    temporal_heads=2,
    encoder_channels=[4, 8, 16],
    cross_heads=2,
    cross_head_channels=4,
    era5="attention",
    attention_residual=True,
    causal_share=0.7,
    projection=8,
)
CAUSAL = CausalWeights(
    causal=1.0,
    prediction=1.0,
    conditional_mutual_information=0.5,
    hinge=0.1,
    balance=4.0,
    ramp=0.2,
)
STUDENT = StudentWeights(**vars(CAUSAL), distill=1.0, features=10.0)
OPTIMISATION = OptimisationParams(
    learning_rate=1e-3,
    weight_decay=0.01,
    warmup=2,
    clip=1.0,
    average=0.9,
    precision="fp32",
    accumulate=1,
    recompute=False,
    compile=False,
)
TRAINING = TrainingParams(
    seed=3,
    steps=8,
    batch_size=4,
    optimisation=OPTIMISATION,
    log_every=1,
    shares_every=4,
    picture_every=100,
    checkpoint_every=100,
    sampling=SamplingParams(sampler="dpm-solver++", steps=[2], windows=2, members=2),
)


def spectra(size: int) -> Spectra:
    """Large structures persist and change most; by lead time and by scale."""
    count = len(scales(size))
    return Spectra(
        tuple(tuple(0.9 ** (lead * n) for n in range(count)) for lead in range(1, 6)),
        tuple(tuple(0.5 * lead * 0.8**n for n in range(count)) for lead in range(1, 6)),
    )


SPECTRA = spectra(SHAPE.size)


def network(params: NetworkParams = NETWORK, shape: Shape = SHAPE, seed: int = 0) -> Nephele:
    """A network in which nothing is zero that starts at zero: it has learnt a little."""
    torch.manual_seed(seed)
    fresh = replace(description("teacher"), network=params, shape=shape).untrained()
    with torch.no_grad():
        for weight in fresh.parameters():
            if not weight.any():
                weight.normal_(0, 0.1)
    return fresh.channels_last()


def samples(count: int = 4, shape: Shape = SHAPE, seed: int = 1) -> Samples:
    generator = Generator().manual_seed(seed)

    def normal(*size: int) -> torch.Tensor:
        return torch.randn(count, *size, shape.size, shape.size, generator=generator)

    variables = len(shape.variables)
    era5 = normal(variables, shape.times)
    return Samples(normal(shape.history), normal(8), era5, torch.ones_like(era5))


def description(kind: str, steps: int = 2) -> Description:
    """Of a network that samples with `steps` evaluations."""
    return Description(
        kind=kind,
        network=NETWORK,
        shape=SHAPE,
        mode="edm",
        noise=NOISE,
        scales=SCALES,
        spectra=SPECTRA,
        lead_hours=(3, 6, 9, 12, 15, 18, 21, 24),
        trained_on=TRAINED_ON,
        sampler="dpm-solver++",
        steps=steps,
    )


def model(kind: str, steps: int = 2) -> TrainedModel:
    """A network that was never trained, ready to forecast."""
    return TrainedModel(network().eval().requires_grad_(False), description(kind, steps))
