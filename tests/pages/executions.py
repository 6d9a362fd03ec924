"""Five executions and a training as MLflow is told of them; every figure is made up."""

import json
import os
from pathlib import Path
from unittest.mock import patch

import numpy as np
import report_files
import yaml

from components import tracking
from components.report import stage
from nephele.pictures.animations import Forecast, film_strip
from nephele.world.simulation import simulate, times

# Execution → the student's CRPS in K, and what was varied.
CRPS = {
    "misty-heron": 4.80,
    "bold-cirrus": 4.65,
    "plain-anvil": 5.10,
    "late-eyewall": 4.90,
    "warm-outflow": 4.75,
}
HALF_WIDTH = 0.1  # of its interval, K
WEIGHTS = {
    "bold-cirrus": {"distill": 2.0},
    "plain-anvil": {"features": 10.0},
    "late-eyewall": {"features": 0.0},
    "warm-outflow": {"causal": 0.1},
}
VARIED = {
    "distill_student.seed",
    *(f"distill_student.weights.{term}" for term in ("distill", "features", "causal")),
}
STEPS, PICTURE_EVERY = 40, 10
PICTURES = range(PICTURE_EVERY, STEPS + 1, PICTURE_EVERY)
MODEL = {
    "kind": "student",
    "shape": {"variables": ["sst"], "history": 4, "future": 2, "size": 8},
    "lead_hours": [3, 6],
    "trained_on": {"cell_km": 20.0, "spacing_hours": 3},
}
SEED, STORM, PAST, LEADS = 7, 3, 4, 5


def fill() -> None:
    """Fill the store of the current folder."""
    train()
    for name in CRPS:
        report(name)


def report(name: str) -> None:
    """An execution: the stage `report` on figures and parameters of its own."""
    place = Path(name)
    flags = report_files.write_inputs(place, student=CRPS[name])
    (flags["student"] / "model.json").write_text(json.dumps(MODEL))
    (flags["student"] / "requirements.txt").write_text("")
    (flags["student"] / "weights.safetensors").write_text(name)
    params = yaml.safe_load(report_files.PARAMETERS.read_text())
    params["distill_student"]["seed"] = 1 + list(CRPS).index(name)
    params["distill_student"]["weights"] |= WEIGHTS.get(name, {})
    (place / "params.yaml").write_text(yaml.safe_dump(params))
    flags["parameters"] = str(place / "params.yaml")
    written = ("report", "animations", "model_card", "metrics")
    outputs = {kind: place / f"written_{kind}" for kind in written}
    with (
        patch.dict(os.environ, DVC_STAGE="report", DVC_EXP_NAME=name),
        tracking.run("report", {"report": flags["params"]}) as log,
    ):
        stage.main(**flags, **outputs, log=log)


def train() -> None:
    """A training whose forecasts come ever closer to what was to be."""
    told = {"seed": 0, "steps": STEPS, "picture_every": PICTURE_EVERY}
    frames = simulate(SEED, STORM, PAST + LEADS)["brightness_temperature"].values[:, ::4, ::4]
    with (
        patch.dict(os.environ, DVC_STAGE="pretrain_teacher", DVC_EXP_NAME=next(iter(CRPS))),
        tracking.run("pretrain_teacher", {"pretrain_teacher": told}) as log,
    ):
        for step in range(2, STEPS + 1, 2):
            log.metrics(step, loss=1 + np.exp(-step / 12), gradient_norm=0.8 + 2 / step)
            if step in PICTURES:
                log.picture("forecast", _forecast(frames, step / STEPS), step)


def _forecast(frames: np.ndarray, skill: float) -> bytes:
    """Between persistence and the truth, in K."""
    past, truth = frames[:PAST], frames[PAST:]
    persistence = np.broadcast_to(past[-1], truth.shape)
    mean = skill * truth + (1 - skill) * persistence
    members = mean + (1 - skill) * np.random.default_rng(0).normal(0, 12, (2, *truth.shape))
    return film_strip(
        Forecast(
            storm="made up",
            network="teacher",
            init_time=times(SEED, STORM, PAST)[-1],
            past_hours=[3 * step for step in range(1 - PAST, 1)],
            past=past,
            lead_hours=[3 * step for step in range(1, LEADS + 1)],
            truth=truth,
            mean=mean,
            members=members,
            persistence=persistence,
            label="SYNTHETIC",
        )
    )
