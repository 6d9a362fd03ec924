"""The training loop, teacher's and student's alike.

All randomness of a step follows from the seed and the step's number, so that a training
that was interrupted goes on as if nothing had happened.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator, Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from nephele.learning.losses import HIGHEST, LOWEST
from nephele.learning.objectives import Objective, Terms, noised
from nephele.network.nephele import Nephele
from nephele.network.precision import autocast
from nephele.network.prediction import Prediction
from nephele.params import OptimisationParams, TrainingParams
from nephele.windows.tensors import Windows

# A loss of one is no skill at all, in units of what is predicted.
LARGEST_LOSS = 1e4


class Diverged(ValueError):
    """The loss or its gradient is no longer a number, or beyond all measure."""


@dataclass(frozen=True)
class Progress:
    """What one step was like.

    Attributes:
        terms: the weighted terms of the loss.
        causal_weight: the adaptive weight; None without a causal term.
        gradient_norm: before clipping.
        shares: of each term in the sum of the terms' gradient norms; None where not measured.
    """

    step: int
    terms: dict[str, float]
    causal_weight: float | None
    gradient_norm: float
    shares: dict[str, float] | None

    @property
    def at_bound(self) -> bool:
        """Whether the adaptive weight lies at one of its bounds."""
        return self.causal_weight is not None and not LOWEST < self.causal_weight < HIGHEST


@dataclass
class Learner:
    """Everything that training changes, and what it was like so far."""

    network: Nephele
    averaged: AveragedModel
    optimiser: torch.optim.Optimizer
    history: list[Progress]

    @property
    def step(self) -> int:
        """Steps taken."""
        return len(self.history)

    @classmethod
    def fresh(cls, network: Nephele, params: OptimisationParams) -> "Learner":
        """A learner that has not learnt yet."""
        average = get_ema_multi_avg_fn(params.average)
        optimiser = torch.optim.AdamW(
            network.parameters(), params.learning_rate, weight_decay=params.weight_decay, fused=True
        )
        return cls(network, AveragedModel(network, multi_avg_fn=average), optimiser, [])


def train(
    learner: Learner,
    objective: Objective,
    prediction: Prediction,
    windows: Windows,
    params: TrainingParams,
) -> Iterator[Progress]:
    """Train `learner` in place up to `params.steps`, yielding after each step.

    Whoever iterates logs, saves and stops; nothing here knows how.

    Raises:
        Diverged: the loss or its gradient is not a number, or the loss exceeds LARGEST_LOSS; the
            learner is what it was before that step.
    """
    device = next(learner.network.parameters()).device
    chosen = windows.select("train")
    learner.network.train()
    while learner.step < params.steps:
        step = learner.step
        torch.manual_seed(_mix(params.seed, step))  # dropout's
        generator = Generator().manual_seed(_mix(params.seed, step))
        picked = batch(chosen, params.batch_size, params.seed, step)
        samples = windows.samples(picked).to(device)
        draw = noised(prediction, samples, windows.future, generator)
        with autocast(device, params.optimisation.precision):
            terms = objective(learner.network, samples, draw, step)

        measured = (step + 1) % params.shares_every == 0
        shares = gradient_shares(terms, learner.network) if measured else None
        norm = _update(learner, terms, params)
        learner.history.append(_progress(step + 1, terms, norm, shares))
        yield learner.history[-1]


def batch(chosen: np.ndarray, size: int, seed: int, step: int) -> np.ndarray:
    """The windows of one step: every window once an epoch, in an order of the epoch's own."""
    places = np.arange(step * size, (step + 1) * size)
    epochs, positions = np.divmod(places, len(chosen))
    orders = {e: np.random.default_rng([seed, e]).permutation(chosen) for e in set(epochs.tolist())}
    return np.array([orders[e][p] for e, p in zip(epochs.tolist(), positions, strict=True)])


def learning_rate(step: int, steps: int, params: OptimisationParams) -> float:
    """Linear warm-up, then a cosine to zero."""
    if step < params.warmup:
        return params.learning_rate * (step + 1) / params.warmup
    remaining = (step - params.warmup) / max(1, steps - params.warmup)
    return params.learning_rate * 0.5 * (1 + math.cos(math.pi * remaining))


def gradient_shares(terms: Terms, network: nn.Module) -> dict[str, float]:
    """Each term's share in the sum of the norms of the terms' gradients."""
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    norms = {}
    for name, term in terms.terms.items():
        gradients = torch.autograd.grad(term, weights, retain_graph=True, allow_unused=True)
        norms[name] = _norm([gradient for gradient in gradients if gradient is not None])
    total = sum(norms.values())
    return {name: norm / total if total else 0.0 for name, norm in norms.items()}


def _update(learner: Learner, terms: Terms, params: TrainingParams) -> float:
    total = terms.total
    if not total.detach() <= LARGEST_LOSS:
        values = {name: float(term.detach()) for name, term in terms.terms.items()}
        raise _diverged(f"loss is {float(total.detach())}", learner, params, f" (terms: {values})")
    learner.optimiser.zero_grad(set_to_none=True)
    total.backward()
    norm = nn.utils.clip_grad_norm_(learner.network.parameters(), params.optimisation.clip)
    if not torch.isfinite(norm):
        raise _diverged(f"gradient's norm is {float(norm)}", learner, params)
    for group in learner.optimiser.param_groups:
        group["lr"] = learning_rate(learner.step, params.steps, params.optimisation)
    learner.optimiser.step()
    if terms.effects is not None:
        learner.network.effect_matrix.update(terms.effects)
    learner.averaged.update_parameters(learner.network)
    return float(norm)


def _diverged(what: str, learner: Learner, params: TrainingParams, more: str = "") -> Diverged:
    return Diverged(
        f"the {what} at step {learner.step + 1}{more}, expected a number below {LARGEST_LOSS:g}; "
        f"lower the learning rate ({params.optimisation.learning_rate}) or train in fp32"
    )


def _progress(step: int, terms: Terms, norm: float, shares: dict[str, float] | None) -> Progress:
    values = {name: float(term.detach()) for name, term in terms.terms.items()}
    weight = None if terms.weight is None else float(terms.weight)
    return Progress(step, values, weight, norm, shares)


def _norm(gradients: list[Tensor]) -> float:
    return math.sqrt(sum(float(gradient.float().square().sum()) for gradient in gradients))


def _mix(seed: int, step: int) -> int:
    return int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0] >> 1)
