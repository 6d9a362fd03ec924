"""One training step's losses: the teacher's and the student's, term by term."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator

from nephele.learning.losses import (
    adaptive_weight,
    causal_loss,
    distillation_loss,
    feature_loss,
    ramp,
    score_loss,
)
from nephele.network.nephele import (
    Condition,
    Kind,
    Nephele,
    Output,
    named_features,
    sources,
)
from nephele.network.prediction import Prediction, network_output
from nephele.network.shapes import Frames, Scalar, Sigma, VariableVectors
from nephele.params import CausalWeights, StudentWeights
from nephele.windows.tensors import Samples


@dataclass(frozen=True)
class Noised:
    """Clean future frames and what became of them."""

    clean: Frames
    noisy: Frames
    sigma: Sigma
    target: Frames

    def __getitem__(self, part: slice) -> "Noised":
        """Some of the samples."""
        return Noised(self.clean[part], self.noisy[part], self.sigma[part], self.target[part])


@dataclass(frozen=True)
class Terms:
    """The weighted terms of a loss, by name; their sum is minimised.

    `weight` is the adaptive weight of the causal term and `causal` the means of the causal
    features that its heads read; both are None where the term is off.
    """

    terms: dict[str, Scalar]
    weight: Scalar | None = None
    causal: VariableVectors | None = None

    @property
    def total(self) -> Scalar:
        return torch.stack(list(self.terms.values())).sum()


Objective = Callable[[Nephele, Samples, Noised, int], Terms]


def noised(
    prediction: Prediction,
    samples: Samples,
    future: int,
    generator: Generator,
    whole: int | None = None,
    part: slice = slice(None),
) -> Noised:
    """Draw sigma and noise, and add them.

    Args:
        whole: samples to draw for, where `samples` are but a part of a batch.
        part: which of them `samples` are.
    """
    clean = prediction.clean(samples.history, samples.future[:, :future])
    whole = whole or len(clean)
    sigma = prediction.draw(whole, generator)[part].to(clean)
    white = torch.randn((whole, *clean.shape[1:]), generator=generator)[part]
    noise = prediction.coloured(white.to(clean))
    noisy = clean + sigma[:, None, None, None] * noise
    return Noised(clean, noisy, sigma, prediction.target(clean, noise, sigma))


def teacher_objective(weights: CausalWeights, steps: int) -> Objective:
    """score + lambda · causal."""

    def objective(network: Nephele, samples: Samples, noised: Noised, step: int) -> Terms:
        _, output = _run(network, samples, noised, "teacher")
        score = score_loss(output.prediction.float(), noised.target)
        terms = {"score": score}
        if not weights.causal:
            return Terms(terms)
        return _with_causal(terms, network, output, noised.clean, weights, step / steps)

    return objective


def student_objective(teacher: Nephele, weights: StudentWeights, steps: int) -> Objective:
    """score + distill + 10 · features + lambda · causal; a weight of zero computes nothing."""

    def objective(network: Nephele, samples: Samples, noised: Noised, step: int) -> Terms:
        condition, output = _run(network, samples, noised, "student")
        score = score_loss(output.prediction.float(), noised.target)
        terms = {"score": score}
        if weights.distill or weights.features:
            with torch.no_grad():
                taught_condition, taught = _run(teacher, samples, noised, "teacher")
        if weights.distill:
            terms["distill"] = weights.distill * distillation_loss(
                output.prediction.float(), taught.prediction.float()
            )
        if weights.features:
            terms["features"] = weights.features * feature_loss(
                named_features(condition, output), named_features(taught_condition, taught)
            )
        if not weights.causal:
            return Terms(terms)
        return _with_causal(terms, network, output, noised.clean, weights, step / steps)

    return objective


def _run(
    network: Nephele, samples: Samples, noised: Noised, kind: Kind
) -> tuple[Condition, Output]:
    condition = conditioned(network, samples, kind)
    return condition, network_output(network, noised.noisy, noised.sigma, condition)


def conditioned(network: Nephele, samples: Samples, kind: Kind) -> Condition:
    """What a network of `kind` makes of what it sees of `samples`."""
    return network.condition(samples.history, sources(samples, kind))


def _with_causal(
    terms: dict[str, Scalar],
    network: Nephele,
    output: Output,
    clean: Frames,
    weights: CausalWeights,
    progress: float,
) -> Terms:
    heads, parts = network.causal_heads, output.decomposition
    loss = causal_loss(heads, parts, clean, weights)
    weight = adaptive_weight(terms["score"], loss, weights.balance)
    weighted = weights.causal * ramp(progress, weights.ramp) * weight * loss
    causal = parts.causal.detach().mean(dim=(3, 4)).float()
    return Terms({**terms, "causal": weighted}, weight, causal)
