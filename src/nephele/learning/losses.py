"""What teacher, student and control minimise.

Every term is a mean, so that the weights mean what they say.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from nephele.learning import processes
from nephele.network.causal import CausalHeads, Decomposition
from nephele.network.nephele import Features
from nephele.network.shapes import Frames, Scalar, VariableVectors
from nephele.params import CausalWeights

Vectors = Float[Tensor, "... projection"]

MARGIN = 0.3  # by which causal features shall be nearer to the target than the others
LOWEST, HIGHEST = 0.01, 100.0  # the adaptive weight
TINY = 1e-8


def score_loss(output: Frames, target: Frames) -> Scalar:
    """Mean squared error of the network's output, in the space where both have unit variance."""
    return functional.mse_loss(output, target)


def distillation_loss(student: Frames, teacher: Frames) -> Scalar:
    """Mean squared error to the teacher's output for the same noisy frames."""
    return functional.mse_loss(student, teacher.detach())


def feature_loss(student: Features, teacher: Features) -> Scalar:
    """Mean squared error over encoder and attention features at both resolutions alike."""
    errors = [functional.mse_loss(student[name], teacher[name].detach()) for name in student]
    return torch.stack(errors).mean()


def prediction_loss(heads: CausalHeads, causal: VariableVectors, clean: Frames) -> Scalar:
    """Squared error of the heads' predictions of the future frames' means, relative to the means'.

    1 for predictions of zero, whatever the lead. (A frame's mean varies far less than its
    pixels: without the ratio the term would be tiny, and its adaptive weight huge.)
    """
    means = clean.mean(dim=(2, 3))[:, None]
    error = (heads.predict(causal) - means).square().mean(dim=(0, 1))
    return (error / (processes.mean(means.square().mean(dim=(0, 1))) + TINY)).mean()


def conditional_mutual_information_loss(
    causal: Vectors, non_causal: Vectors, target: Vectors
) -> tuple[Scalar, Scalar]:
    """Cross-entropy that pulls causal features to the target and others away, and its hinge.

    The similarity is the cosine, mapped to [0, 1]; causal shall have 1, non-causal 0, and
    the hinge keeps them `MARGIN` apart.
    """
    near, far = similarity(causal, target), similarity(non_causal, target)
    entropy = -(near.clamp_min(TINY).log() + (1 - far).clamp_min(TINY).log()).mean() / 2
    hinge = functional.relu(MARGIN - (near - far)).mean()
    return entropy, hinge


def similarity(first: Vectors, second: Vectors) -> Float[Tensor, "..."]:
    """Cosine of two vectors, mapped from [-1, 1] to [0, 1]."""
    return (1 + functional.cosine_similarity(first, second, dim=-1)) / 2


def causal_loss(
    heads: CausalHeads, decomposition: Decomposition, clean: Frames, weights: CausalWeights
) -> Scalar:
    """The causal term: predictions of future means, mutual information, its hinge."""
    causal = decomposition.causal.mean(dim=(3, 4)).float()
    non_causal = decomposition.non_causal.mean(dim=(3, 4)).float()
    entropy, hinge = conditional_mutual_information_loss(
        heads.project_causal(causal),
        heads.project_non_causal(non_causal),
        heads.target(clean)[:, None],
    )
    return (
        weights.prediction * prediction_loss(heads, causal, clean)
        + weights.conditional_mutual_information * entropy
        + weights.hinge * hinge
    )


def adaptive_weight(score: Scalar, causal: Scalar, balance: float) -> Scalar:
    """lambda = clamp(score / (balance · (|causal| + epsilon)), 0.01, 100), without gradient."""
    ratio = processes.mean(score) / (balance * (processes.mean(causal).abs() + TINY))
    return ratio.clamp(LOWEST, HIGHEST)


def ramp(progress: float, share: float) -> float:
    """0 → 1 while the training's progress goes from 0 to `share`; 1 after that."""
    return min(1.0, progress / share) if share > 0 else 1.0
