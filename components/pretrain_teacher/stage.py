"""The teacher learns to forecast from satellite frames and ERA5."""

from dataclasses import replace
from pathlib import Path

import torch

from components import nodes
from components.command_line import InPath, OutPath, command_line
from components.outputs import whole, write_json
from components.tracking import Log
from components.training import Follower, follower, learnt, log_trained, save
from nephele.forecasting.trained import Description, TrainedModel
from nephele.learning import processes
from nephele.learning.objectives import teacher_objective
from nephele.params import TeacherParams
from nephele.windows.tensors import Windows


def run(windows: Windows, params: TeacherParams, follow: Follower) -> tuple[TrainedModel, dict]:
    """The trained teacher, and figures of its training."""
    windows = replace(windows, hindsight=params.hindsight)
    description = Description.of_teacher(windows, params)
    torch.manual_seed(params.seed)
    network = description.untrained()
    objective = teacher_objective(params.weights, params.steps)
    return learnt(network, objective, description, windows, params, follow)


def main(
    windows: InPath,
    params: TeacherParams,
    teacher: OutPath,
    metrics: OutPath,
    log: Log,
    resume: Path | None = None,
) -> None:
    """Train the teacher; with --resume, in a folder of checkpoints, go on where it was stopped."""
    follow = follower(log, resume, params, "teacher", windows=windows)
    with processes.joined():
        model, figures = run(Windows.read(windows), params, follow)
        processes.leave_to_first()
    with whole(teacher) as folder:
        save(folder, model)
    write_json(metrics, figures)
    log_trained(log, teacher, figures)
    follow.finish()


if __name__ == "__main__":
    command_line(main, nodes.train)
