"""A network that forecasts in few evaluations, learnt from one that takes twice as many.

Progressive distillation: Salimans & Ho 2022, arXiv:2202.00512, algorithm 2. In a round for N
evaluations the network begins with the weights that it has and learns to reach in one step of the
solver what the network before it reaches in two; the first round's is the teacher, and that of the
rounds after it the student of the round before. Whatever is learnt at other noise levels than those
N that are then sampled at would be lost work, so that no other is drawn.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator

from nephele.learning.losses import distillation_loss, feature_loss
from nephele.learning.objectives import Noised, Objective, Terms, conditioned
from nephele.network.nephele import Condition, Kind, Nephele, named_features
from nephele.network.prediction import Prediction, network_output
from nephele.network.shapes import Frames, History, Sigma
from nephele.windows.tensors import Samples

RHO = 7.0  # Karras et al. 2022, arXiv:2206.00364, equation 5
END = 0.02  # where the levels would end that, with one more step, lead to no noise


def levels(largest: float, evaluations: int) -> tuple[float, ...]:
    """The noise levels of so many evaluations: those of half as many, and one between any two.

    Evenly spaced in sigma^(1/7) from `largest` to almost nothing, of which the last is left out:
    the last step goes from the level before it to no noise.
    """
    first, last = largest ** (1 / RHO), END ** (1 / RHO)
    return tuple((first + i / evaluations * (last - first)) ** RHO for i in range(evaluations))


@dataclass(frozen=True)
class AtLevels:
    """A prediction, with noise of some levels alone, each as often as the others."""

    prediction: Prediction
    levels: tuple[float, ...]

    @property
    def largest_sigma(self) -> float:
        return self.prediction.largest_sigma

    def clean(self, history: History, future: Frames) -> Frames:
        return self.prediction.clean(history, future)

    def frames(self, clean: Frames, history: History) -> Frames:
        return self.prediction.frames(clean, history)

    def draw(self, batch: int, generator: Generator) -> Sigma:
        return torch.tensor(self.levels)[
            torch.randint(len(self.levels), (batch,), generator=generator)
        ]

    def coloured(self, white: Frames) -> Frames:
        return self.prediction.coloured(white)

    def target(self, clean: Frames, noise: Frames, sigma: Sigma) -> Frames:
        return self.prediction.target(clean, noise, sigma)

    def denoised(self, output: Frames, noisy: Frames, sigma: Sigma) -> Frames:
        return self.prediction.denoised(output, noisy, sigma)


def few_step_objective(
    before: Nephele, kind: Kind, prediction: Prediction, evaluations: int, features: float
) -> Objective:
    """What a network is taught that shall forecast in `evaluations`.

    Args:
        before: the network that takes twice as many.
        kind: of `before`: what it sees.
        features: weight of its features, beside its two steps.
    """
    fine = levels(prediction.largest_sigma, 2 * evaluations)

    def objective(network: Nephele, samples: Samples, noised: Noised, step: int) -> Terms:
        with torch.no_grad():
            taught = conditioned(before, samples, kind)
            target = two_steps(before, prediction, taught, noised, fine)
            seen = network_output(before, noised.noisy, noised.sigma, taught) if features else None
        condition = conditioned(network, samples, "student")
        output = network_output(network, noised.noisy, noised.sigma, condition)
        terms = {"distill": distillation_loss(output.prediction.float(), target)}
        if seen is not None:
            terms["features"] = features * feature_loss(
                named_features(condition, output), named_features(taught, seen)
            )
        return Terms(terms)

    return objective


def two_steps(
    network: Nephele,
    prediction: Prediction,
    condition: Condition,
    noised: Noised,
    fine: Sequence[float],
) -> Frames:
    """The output of which one step of the solver is as two of `network`.

    Args:
        fine: noise levels of the two steps; every other one is a level of `noised`.
    """
    below = dict(itertools.pairwise([*fine, 0.0]))
    start = noised.sigma
    noisy, sigma = noised.noisy, start
    for _ in range(2):
        lower = torch.tensor([below[_nearest(fine, s)] for s in sigma.tolist()]).to(sigma)
        output = network_output(network, noisy, sigma, condition).prediction.float()
        clean = prediction.denoised(output, noisy, sigma)
        share = (lower / sigma)[:, None, None, None]
        noisy, sigma = clean + share * (noisy - clean), lower
    left = (sigma / start)[:, None, None, None]
    clean = (noisy - left * noised.noisy) / (1 - left)
    noise = (noised.noisy - clean) / start[:, None, None, None]
    return prediction.target(clean, noise, start)


def _nearest(values: Sequence[float], sigma: float) -> float:
    return min(values, key=lambda value: abs(value - sigma))
