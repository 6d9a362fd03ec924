"""The training loop, teacher's and student's alike.

All randomness of a step follows from the seed and the step's number, so that a training
that was interrupted goes on as if nothing had happened, in as many processes as one likes.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator, Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from nephele.learning import processes
from nephele.learning.losses import HIGHEST, LOWEST
from nephele.learning.objectives import Noised, Objective, Terms, noised
from nephele.network.blocks import ResidualBlock, SelfAttention
from nephele.network.cross_attention import CrossModalAttention
from nephele.network.nephele import Nephele
from nephele.network.precision import autocast
from nephele.network.prediction import Prediction
from nephele.network.shapes import Effects, VariableVectors
from nephele.network.temporal import TemporalAttention
from nephele.params import OptimisationParams, TrainingParams
from nephele.windows.tensors import Samples, Windows

# Compiled one by one: the same few kinds again and again, of which each is compiled once.
BLOCKS = (ResidualBlock, SelfAttention, CrossModalAttention, TemporalAttention)
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
        # The count of averages lies there too: NCCL cannot share what does not.
        device = next(network.parameters()).device
        averaged = AveragedModel(network, device, multi_avg_fn=average)
        learner = cls(network, averaged, optimiser, [])
        for module in network.modules():
            if isinstance(module, ResidualBlock):
                module.recompute = params.recompute
            if params.compile and isinstance(module, BLOCKS):
                module.compile()
        return learner


def train(
    learner: Learner,
    objective: Objective,
    prediction: Prediction,
    windows: Windows,
    params: TrainingParams,
) -> Iterator[Progress]:
    """Train `learner` in place up to `params.steps`, yielding after each step.

    Whoever iterates logs, saves and stops; nothing here knows how.

    In several processes each has its part of every batch, and all do the same with the whole.

    Raises:
        Diverged: the loss or its gradient is not a number, or the loss exceeds LARGEST_LOSS; the
            learner is what it was before that step.
        ValueError: a batch cannot be parted as processes and `accumulate` want it, or the processes
            are not at the same step.
    """
    device = next(learner.network.parameters()).device
    chosen = windows.select("train")
    mine = processes.part(params.batch_size, params.optimisation.accumulate)
    if not processes.agree(learner.step):
        raise ValueError(
            "the processes go on from different steps; expected one folder of checkpoints that "
            "all of them see"
        )
    processes.share(learner.network)
    processes.share(learner.averaged)
    learner.network.train()
    while learner.step < params.steps:
        step = learner.step
        torch.manual_seed(_mix(params.seed, step) + processes.rank())  # dropout's
        generator = Generator().manual_seed(_mix(params.seed, step))
        picked = batch(chosen, params.batch_size, params.seed, step)
        samples = windows.samples(picked[mine]).to(device)
        draw = noised(prediction, samples, windows.future, generator, params.batch_size, mine)
        learner.history.append(_learn(learner, objective, samples, draw, params))
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
        there = (gradient for gradient in gradients if gradient is not None)
        norms[name] = _norm(processes.means(there))
    total = sum(norms.values())
    return {name: norm / total if total else 0.0 for name, norm in norms.items()}


def _learn(
    learner: Learner, objective: Objective, samples: Samples, draw: Noised, params: TrainingParams
) -> Progress:
    """One step, with the batch's parts one after another."""
    network, step = learner.network, learner.step
    measured = (step + 1) % params.shares_every == 0
    parts = params.optimisation.accumulate
    size = len(draw.sigma) // parts
    learner.optimiser.zero_grad(set_to_none=True)
    done: list[Terms] = []
    shares: list[dict[str, float]] = []
    for part in (slice(start, start + size) for start in range(0, size * parts, size)):
        with autocast(draw.sigma.device, params.optimisation.precision):
            terms = objective(network, samples[part], draw[part], step)
        if measured:
            shares.append(gradient_shares(terms, network))
        (terms.total / parts).backward()
        done.append(terms)
    processes.average_gradients(network)

    values = _agreed(done)
    causal = [terms.causal for terms in done if terms.causal is not None]
    effects = _effects(network, causal) if causal else None
    norm = _update(learner, values, params)
    if effects is not None:
        network.effect_matrix.update(effects)
    learner.averaged.update_parameters(network)
    weights = [float(terms.weight) for terms in done if terms.weight is not None]
    return Progress(
        step + 1,
        values,
        float(np.mean(weights)) if weights else None,
        norm,
        {name: float(np.mean([share[name] for share in shares])) for name in values}
        if measured
        else None,
    )


def _agreed(done: list[Terms]) -> dict[str, float]:
    """Each term's mean over the whole batch."""
    names = list(done[0].terms)
    values = torch.stack(
        [torch.stack([one.terms[name].detach() for name in names]) for one in done]
    )
    return dict(zip(names, processes.mean(values.mean(dim=0)).tolist(), strict=True))


def _effects(network: Nephele, causal: list[VariableVectors]) -> Effects:
    """What the heads show in the whole batch."""
    return network.causal_heads.direct_effects(processes.gathered(torch.cat(causal)))


def _update(learner: Learner, values: dict[str, float], params: TrainingParams) -> float:
    """Take a step along the gradient; its norm before it is clipped."""
    total = sum(values.values())
    if not total <= LARGEST_LOSS:
        raise _diverged(f"loss is {total}", learner, params, f" (terms: {values})")
    norm = nn.utils.clip_grad_norm_(learner.network.parameters(), params.optimisation.clip)
    if not torch.isfinite(norm):
        raise _diverged(f"gradient's norm is {float(norm)}", learner, params)
    for group in learner.optimiser.param_groups:
        group["lr"] = learning_rate(learner.step, params.steps, params.optimisation)
    learner.optimiser.step()
    return float(norm)


def _diverged(what: str, learner: Learner, params: TrainingParams, more: str = "") -> Diverged:
    return Diverged(
        f"the {what} at step {learner.step + 1}{more}, expected a number below {LARGEST_LOSS:g}; "
        f"lower the learning rate ({params.optimisation.learning_rate}) or train in fp32"
    )


def _norm(gradients: list[Tensor]) -> float:
    return math.sqrt(sum(float(gradient.float().square().sum()) for gradient in gradients))


def _mix(seed: int, step: int) -> int:
    return int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0] >> 1)
