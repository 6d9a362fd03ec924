"""What the two training stages have in common: they are followed, saved and summed up."""

import hashlib
import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, NoReturn

import numpy as np
from tqdm import tqdm

from components import model_folder, stopping
from components.execution import flat
from components.fingerprints import fingerprint
from nephele import learning, network, windows
from nephele.evaluation.steps import crps_by_steps
from nephele.forecasting import trained
from nephele.forecasting.ensemble import forecast
from nephele.forecasting.trained import Description, TrainedModel, fastest_device
from nephele.learning import checkpoints, processes
from nephele.learning.objectives import Objective
from nephele.learning.training import Diverged, Learner, Progress, train
from nephele.network.nephele import Nephele
from nephele.network.prediction import Prediction, prediction
from nephele.params import TrainingParams
from nephele.pictures.animations import Forecast, film_strip
from nephele.windows.tensors import Windows

if TYPE_CHECKING:
    from components.tracking import Log

log = logging.getLogger(__name__)

SUMMED_UP = 0.1  # share of the training, at its end, that the metrics are means of


@dataclass(frozen=True)
class Follower:
    """Whoever watches a training: its progress bar, its curves, its checkpoints.

    Attributes:
        checkpoint: file to go on from and to save to; None for a training without.
        fingerprint: what is trained, on what and how.
        curves: what the names of its curves begin with.
    """

    log: "Log"
    checkpoint: Path | None
    fingerprint: str
    curves: str = ""

    def restore(self, learner: Learner) -> bool:
        """Go on from the checkpoint; whether there was one."""
        if self.checkpoint is None or not self.checkpoint.exists():
            return False
        checkpoints.load(self.checkpoint, learner, self.fingerprint)
        return True

    def of_round(self, name: object) -> "Follower":
        """Who watches a training that follows this one: its checkpoint and curves are others."""
        path = self.checkpoint
        return replace(
            self,
            checkpoint=path and path.with_stem(f"{path.stem}-{name}"),
            fingerprint=f"{self.fingerprint}-{name}",
            curves=f"{self.curves}{name}/",
        )

    def point(self, step: int, **values: float) -> None:
        """One point of every curve."""
        self.log.metrics(step, **{f"{self.curves}{name}": value for name, value in values.items()})

    def save(self, learner: Learner) -> None:
        if self.checkpoint is not None and processes.rank() == 0:
            checkpoints.save(self.checkpoint, learner, self.fingerprint)

    @contextmanager
    def diverging(self) -> Iterator[None]:
        """Where a training diverges within this, its message says what is left of it."""
        try:
            yield
        except Diverged as error:
            kept = self.checkpoint is not None and self.checkpoint.exists()
            left = (
                f"{self.checkpoint} is the last good checkpoint, from which the same training goes "
                "on; with other parameters it begins anew"
                if kept
                else "there is no checkpoint"
            )
            raise Diverged(f"{error}; {left}") from None

    def stop(self, step: int) -> NoReturn:
        """Leave, as a process does that SIGTERM ends."""
        kept = f"{self.checkpoint} has it" if self.checkpoint else "there is no checkpoint"
        log.warning("told to stop after step %d; %s. Run the same again to go on", step, kept)
        raise SystemExit(stopping.STATUS)

    def finish(self) -> None:
        """The training's outputs are written: its checkpoints, each round's, have had their day."""
        if self.checkpoint is not None:
            for checkpoint in self.checkpoint.parent.glob(f"{self.checkpoint.stem}*.safetensors"):
                checkpoint.unlink()


def follower(
    log: "Log", resume: Path | None, params: TrainingParams, role: str, **inputs: Path
) -> Follower:
    """The follower of the training of `role` with `params` on `inputs`.

    Its checkpoint, in the folder `resume`, is named by all of these and by the sources that
    train: a training with other parameters, data or code has another one.
    """
    known = {"role": role, **flat(params), **{k: fingerprint(v) for k, v in inputs.items()}}
    known |= {room.__name__: _sources(room) for room in (learning, network, windows)}
    name = hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()[:16]
    return Follower(log, None if resume is None else resume / f"{name}.safetensors", name)


def _sources(room: ModuleType) -> str:
    """What a package's sources say."""
    files = sorted(Path(room.__path__[0]).glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def learnt(
    network: Nephele,
    objective: Objective,
    description: Description,
    windows: Windows,
    params: TrainingParams,
    follow: Follower,
    prepare: Callable[[Nephele], None] | None = None,
    predicted: Prediction | None = None,
) -> tuple[TrainedModel, dict]:
    """Train `network`, choose its sampling steps, and say what the training was like.

    Told to stop (SIGTERM), it saves a checkpoint and leaves by SystemExit.

    Args:
        prepare: done to the network before its first step.
        predicted: in place of the description's, where training draws other noise than its own.

    Raises:
        Diverged: as `train`; the message says from where one may go on.
    """
    learner = Learner.fresh(network.channels_last().to(fastest_device()), params.optimisation)
    if not follow.restore(learner) and prepare is not None:
        prepare(learner.network)
        follow.save(learner)
    if predicted is None:
        predicted = prediction(description.mode, description.spectra, description.noise)
    _train(learner, objective, predicted, description, windows, params, follow)
    model = _model(learner, description)
    curve = crps_by_steps(model, windows, params.sampling, params.seed)
    chosen = min(curve, key=lambda steps: curve[steps])
    return model.with_steps(chosen), summary(learner, curve, chosen)


def _train(
    learner: Learner,
    objective: Objective,
    predicted: Prediction,
    description: Description,
    windows: Windows,
    params: TrainingParams,
    follow: Follower,
) -> None:
    """Train `learner` to its end, followed; its first process tells and saves."""
    first = processes.rank() == 0
    for progress in learner.history[params.log_every - 1 :: params.log_every]:
        follow.point(progress.step, **_point(progress))
    steps = train(learner, objective, predicted, windows, params)
    clock = time.monotonic()
    bar = tqdm(steps, description.kind, params.steps, initial=learner.step, disable=not first)
    with bar, follow.diverging(), stopping.heeded() as told_to_stop:
        for progress in bar:
            if progress.step % params.log_every == 0:
                bar.set_postfix(loss=f"{sum(progress.terms.values()):.3f}")
                speed, clock = params.log_every / (time.monotonic() - clock), time.monotonic()
                follow.point(progress.step, **_point(progress), steps_per_second=speed)
            if progress.step % params.picture_every == 0 and first:
                model = _model(learner, description)
                name = f"{follow.curves}forecast"
                follow.log.picture(name, _picture(model, windows), progress.step)
            stop = processes.any_of_them(told_to_stop())
            last = progress.step == params.steps
            if progress.step % params.checkpoint_every == 0 or last or stop:
                follow.save(learner)
            if stop:
                follow.stop(progress.step)


def save(folder: Path, model: TrainedModel) -> None:
    """Write `model` into `folder`, with the libraries that it needs to forecast elsewhere."""
    trained.save(folder, model)
    model_folder.write_requirements(folder)


def log_trained(log: "Log", folder: Path, figures: Mapping) -> None:
    """Log the model that lies in `folder`, and the figures of its training."""
    numbers = {key: value for key, value in figures.items() if isinstance(value, int | float)}
    log.metrics(figures["steps"], **{f"final/{key}": value for key, value in numbers.items()})
    if model_folder.described(folder)["shape"].get("hindsight"):
        return  # it makes no forecasts that anybody could ask for
    kind, inputs, output = model_folder.served(folder)
    log.model(kind, folder, model_folder.LOADER, inputs, output)


def summary(learner: Learner, crps: dict[int, float], steps: int) -> dict:
    """The training in figures: means over its last tenth, and the choice of steps."""
    last = learner.history[-max(1, round(SUMMED_UP * len(learner.history))) :]
    shares = [progress.shares for progress in learner.history if progress.shares][-3:]
    return {
        "parameters": sum(weight.numel() for weight in learner.network.parameters()),
        "steps": learner.step,
        "loss": float(np.mean([sum(progress.terms.values()) for progress in last])),
        "terms": {name: float(np.mean([p.terms[name] for p in last])) for name in last[0].terms},
        "gradient_shares": {
            name: float(np.mean([share[name] for share in shares])) for name in last[0].terms
        }
        if shares
        else {},
        "causal_weight_at_bound": float(np.mean([p.at_bound for p in learner.history])),
        "sampling_steps": steps,
        "validation_crps": {str(count): value for count, value in crps.items()},
    }


def _point(progress: Progress) -> dict[str, float]:
    """What is told of a step."""
    values = {f"loss_{name}": value for name, value in progress.terms.items()}
    values["loss"] = sum(progress.terms.values())
    values["gradient_norm"] = progress.gradient_norm
    if progress.causal_weight is not None:
        values["causal_weight"] = progress.causal_weight
        values["causal_weight_at_bound"] = float(progress.at_bound)
    if progress.shares is not None:
        values |= {f"gradient_share_{name}": share for name, share in progress.shares.items()}
    return values


def _model(learner: Learner, description: Description) -> TrainedModel:
    """The averaged weights, ready to forecast."""
    network = description.untrained()
    network.load_state_dict(learner.averaged.module.state_dict())
    network = network.channels_last().to(fastest_device())
    return TrainedModel(network.eval().requires_grad_(False), description)


def _picture(model: TrainedModel, windows: Windows) -> bytes:
    """A forecast of the first validation window, beside what came."""
    chosen = windows.spread("validation", 1)
    samples = model.view(windows).samples(chosen)
    ensemble = forecast(model, samples, members=4, seed=0, leads=windows.future)[0].numpy()
    past, truth = (
        (frames[0] * windows.scales.std + windows.scales.mean).numpy()
        for frames in (samples.history, samples.future[:, : windows.future])
    )
    hours = windows.lead_hours[: windows.future]
    spacing = hours[0]
    return film_strip(
        Forecast(
            storm=str(windows.storm[chosen[0]]),
            network=model.kind,
            init_time=windows.init_time[chosen[0]],
            past_hours=[spacing * (step - windows.history + 1) for step in range(windows.history)],
            past=past,
            lead_hours=list(hours),
            truth=truth,
            mean=ensemble.mean(axis=0),
            members=ensemble[:2],
            persistence=np.broadcast_to(past[-1], truth.shape),
            label="SYNTHETIC" if windows.attributes.get("synthetic") else "",
        )
    )
