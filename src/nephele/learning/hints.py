"""What the student has of its teacher before it learns to forecast.

It takes over all that does not read ERA5, as a distilled network begins with its teacher's layers
(Sanh et al. 2019, DistilBERT, arXiv:1910.01108, section 3). In the place of what does, its
encoders learn to see in the clouds what the teacher's have read in ERA5: the hints of Romero et
al. 2015 (FitNets, arXiv:1412.6550, section 2.2). Encoders know nothing of the noise and are a
small part of the network, so that this costs little; and what they seek in the clouds is weak and
would hardly be found by way of the forecast.
"""

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import nn

from nephele.learning.training import batch, learning_rate
from nephele.network.nephele import Nephele, sources
from nephele.network.precision import autocast
from nephele.network.shapes import Scalar, VariableMaps
from nephele.params import HintParams, OptimisationParams
from nephele.windows.tensors import Samples, Windows


def take_over(network: Nephele, teacher: Nephele) -> None:
    """Give `network` all weights of the teacher but its encoders'."""
    theirs = teacher.state_dict()
    own = {name: value for name, value in network.state_dict().items() if _encodes(name)}
    network.load_state_dict({name: own.get(name, value) for name, value in theirs.items()})


def learn_hints(
    network: Nephele,
    teacher: Nephele,
    windows: Windows,
    params: HintParams,
    optimisation: OptimisationParams,
    seed: int,
) -> Iterator[float]:
    """Train the encoders of `network` in place, yielding the loss after each step.

    They know nothing of the future, so that they learn from every stretch of frames that is as
    long as a history, the futures of the windows included.
    """
    if not params.steps:
        return  # a network without encoders has nothing to learn them by
    optimisation = replace(optimisation, learning_rate=params.learning_rate)
    device = next(network.parameters()).device
    stretches = windows.stretches("train")
    optimiser = torch.optim.AdamW(
        network.encoders.parameters(), params.learning_rate, weight_decay=optimisation.weight_decay
    )
    for step in range(params.steps):
        samples = windows.known(batch(stretches, params.batch_size, seed, step)).to(device)
        with autocast(device, optimisation.precision):
            loss = hint_loss(network, teacher, samples)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.encoders.parameters(), optimisation.clip)
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, params.steps, optimisation)
        optimiser.step()
        yield float(loss.detach())


def hint_loss(network: Nephele, teacher: Nephele, samples: Samples) -> Scalar:
    """Mean squared error of encoder features, relative to the variance of the teacher's.

    By variable and resolution alike: 1 for features that are always the teacher's mean.
    """
    with torch.no_grad():
        taught = teacher.condition(samples.history, sources(samples, "teacher")).encoded
    own = network.condition(samples.history, sources(samples, "student")).encoded
    errors = [_relative(own[size].float(), maps.float()) for size, maps in taught.items()]
    return torch.stack(errors).mean()


def _encodes(name: str) -> bool:
    return name.startswith("encoders.")


def _relative(own: VariableMaps, taught: VariableMaps) -> Scalar:
    about = (0, 3, 4)
    spread = taught.var(dim=about, unbiased=False).mean(dim=1)  # by variable
    error = (own - taught).square().mean(dim=(0, 2, 3, 4))
    return (error / spread.clamp_min(1e-8)).mean()
