"""The student learns from satellite frames and from the teacher; the control from frames alone."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import torch
from tqdm import tqdm

from components import nodes
from components.command_line import InPath, OutPath, command_line
from components.outputs import whole, write_json
from components.tracking import Log
from components.training import Follower, follower, learnt, log_trained, save
from nephele.forecasting import trained
from nephele.forecasting.trained import TrainedModel
from nephele.learning import processes
from nephele.learning.few_steps import AtLevels, few_step_objective, levels
from nephele.learning.hints import learn_hints, take_over
from nephele.learning.objectives import student_objective
from nephele.network.nephele import Nephele
from nephele.params import StudentParams
from nephele.windows.tensors import Windows

Role = Literal["distilled", "control"]


def run(
    windows: Windows, teacher: TrainedModel, role: Role, params: StudentParams, follow: Follower
) -> tuple[TrainedModel, dict]:
    """The trained student or control, and figures of its training.

    The control is the same student with the terms off that need the teacher or the
    causal heads; of the teacher it takes the configuration alone.
    """
    weights = params.weights
    if role == "control":
        weights = replace(weights, distill=0.0, features=0.0, causal=0.0)
    if teacher.description.network.era5 == "channels" and (weights.features or weights.causal):
        raise ValueError(
            f"weights.features = {weights.features}, weights.causal = {weights.causal}, expected "
            "0: a teacher with network.era5 = channels has no such features"
        )
    description = replace(
        teacher.description,
        kind="student" if role == "distilled" else "control",
        shape=replace(teacher.description.shape, hindsight=False),
        sampler=params.sampling.sampler,
        steps=params.sampling.steps[0],
    )
    torch.manual_seed(params.seed)
    network = description.untrained()
    objective = student_objective(teacher.network, weights, params.steps)
    seen = teacher.view(windows)

    def taught(network: Nephele) -> None:
        if params.take_over:
            take_over(network, teacher.network)
        hints = params.hints if params.weights.features else replace(params.hints, steps=0)
        steps = learn_hints(network, teacher.network, seen, hints, params.optimisation, params.seed)
        with tqdm(steps, total=hints.steps, desc="hints") as bar:
            for step, loss in enumerate(bar, start=1):
                if step % params.log_every == 0:
                    follow.log.metrics(step, loss_hints=loss)

    prepare = taught if role == "distilled" else None
    model, figures = learnt(network, objective, description, seen, params, follow, prepare)
    if role == "distilled":
        before = teacher
        for evaluations in params.few_steps.evaluations:
            model, told = in_few_steps(model, before, evaluations, seen, params, follow)
            figures = {**told, "before": figures}
            before = model
    return model, figures


def in_few_steps(
    student: TrainedModel,
    before: TrainedModel,
    evaluations: int,
    windows: Windows,
    params: StudentParams,
    follow: Follower,
) -> tuple[TrainedModel, dict]:
    """The student that reaches in so many evaluations what `before` reaches in twice as many."""
    few = params.few_steps
    largest = student.prediction.largest_sigma
    passed = levels(largest, evaluations)
    smallest = passed[-1] if evaluations > 1 else student.description.noise.smallest
    description = replace(
        student.description,
        noise=replace(student.description.noise, smallest=smallest),
        sampler="euler",
        steps=evaluations,
    )
    training = replace(
        params,
        steps=few.steps,
        optimisation=replace(params.optimisation, learning_rate=few.learning_rate),
        sampling=replace(params.sampling, sampler="euler", steps=[evaluations]),
    )
    objective = few_step_objective(
        before.network, before.kind, student.prediction, evaluations, params.weights.features
    )
    network = description.untrained()
    network.load_state_dict(student.network.state_dict())
    predicted = AtLevels(student.prediction, passed)
    again = follow.of_round(f"few_steps_{evaluations}")
    return learnt(network, objective, description, windows, training, again, predicted=predicted)


def main(
    windows: InPath,
    teacher: InPath,
    role: Role,
    params: StudentParams,
    student: OutPath,
    metrics: OutPath,
    log: Log,
    resume: Path | None = None,
) -> None:
    """Train the student or the control; with --resume, go on where it was stopped."""
    follow = follower(log, resume, params, role, windows=windows, teacher=teacher)
    with processes.joined():
        model, figures = run(Windows.read(windows), trained.load(teacher), role, params, follow)
        processes.leave_to_first()
    with whole(student) as folder:
        save(folder, model)
    write_json(metrics, figures)
    log_trained(log, student, figures)
    follow.finish()


if __name__ == "__main__":
    command_line(main, nodes.train)
