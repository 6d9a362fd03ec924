"""What the two training stages make of a description: which network, and what it sees."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from known_windows import make_windows

from components import training
from components.distill_student import stage as distill_student
from components.pretrain_teacher import stage as pretrain_teacher
from components.training import Follower
from nephele import learning
from nephele.forecasting.trained import TrainedModel
from nephele.network.plain import Plain
from nephele.params import FewStepParams, HintParams, StudentParams, TeacherParams
from nephele.windows.tensors import Windows
from tests import small

TRAINING = vars(replace(small.TRAINING, steps=2, log_every=2, shares_every=2))
WEIGHTS = replace(small.CAUSAL, causal=0.0)
TEACHER = TeacherParams(
    **TRAINING,
    network=replace(small.NETWORK, era5="channels"),
    hindsight=False,
    prediction="edm",
    noise=small.NOISE,
    weights=WEIGHTS,
)
HINTS = HintParams(steps=2, batch_size=2, learning_rate=1e-3)
STUDENT = StudentParams(
    **TRAINING,
    take_over=True,
    hints=HINTS,
    few_steps=FewStepParams(evaluations=[], steps=2, learning_rate=1e-3),
    weights=small.STUDENT,
)


class Nobody:
    """A log that keeps nothing."""

    def metrics(self, step, **values):
        pass


FOLLOW = Follower(Nobody(), None, "")


@pytest.fixture(scope="module")
def windows() -> Windows:
    windows = make_windows(storms=3, frames=14)
    return replace(windows, split=np.repeat(["train", "validation", "test"], 3))


@pytest.fixture(scope="module")
def bound(windows) -> TrainedModel:
    return pretrain_teacher.run(windows, TEACHER, FOLLOW)[0]


@pytest.fixture(scope="module")
def knowing(windows) -> TrainedModel:
    params = replace(TEACHER, network=small.NETWORK, hindsight=True)
    return pretrain_teacher.run(windows, params, FOLLOW)[0]


def test_teacher_with_channels_is_the_plain_network_without_hindsight(bound):
    assert isinstance(bound.network, Plain)
    assert not bound.description.shape.hindsight


def test_control_of_the_plain_network_is_plain_and_never_saw_era5(windows, bound):
    era5 = torch.randn(windows.era5.shape, generator=torch.Generator().manual_seed(5))
    trainings = [
        distill_student.run(some, bound, "control", STUDENT, FOLLOW)[0].network
        for some in (windows, replace(windows, era5=era5))
    ]

    assert isinstance(trainings[0], Plain)
    first, second = (network.state_dict() for network in trainings)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_plain_network_has_no_features_to_distil(windows, bound):
    with pytest.raises(
        ValueError, match=r"weights\.features = 10\.0, .*expected 0: a teacher with"
    ):
        distill_student.run(windows, bound, "distilled", STUDENT, FOLLOW)


def test_hindsight_is_the_teachers_alone_and_a_student_can_learn_from_it(windows, knowing):
    student, _ = distill_student.run(windows, knowing, "distilled", STUDENT, FOLLOW)

    assert knowing.description.shape.hindsight
    assert not student.description.shape.hindsight
    assert student.view(windows).samples([0]).era5.shape[2] == windows.history
    assert knowing.view(windows).samples([0]).era5.shape[2] == windows.history + windows.future


def test_after_its_training_the_student_learns_to_forecast_in_fewer_and_fewer_steps(
    windows, knowing, tmp_path
):
    few = replace(STUDENT.few_steps, evaluations=[2, 1])
    follow = Follower(Nobody(), tmp_path / "c.safetensors", "mine")

    model, figures = distill_student.run(
        windows, knowing, "distilled", replace(STUDENT, few_steps=few), follow
    )

    assert (model.description.sampler, model.description.steps) == ("euler", 1)
    assert list(figures["validation_crps"]) == ["1"]
    assert list(figures["before"]["validation_crps"]) == ["2"]
    assert figures["before"]["before"]["terms"].keys() == {"score", "distill", "features", "causal"}
    assert figures["terms"].keys() == {"distill", "features"}


def test_a_training_that_is_done_takes_its_own_checkpoints_away_and_no_others(tmp_path):
    follow = Follower(Nobody(), tmp_path / "mine.safetensors", "mine")
    checkpoints = (follow.checkpoint, follow.of_round(4).checkpoint)
    for path in (*checkpoints, tmp_path / "another.safetensors"):
        path.write_bytes(b"")

    follow.finish()

    assert [path.name for path in tmp_path.iterdir()] == ["another.safetensors"]


def test_a_student_of_a_plain_teacher_learns_from_its_output_alone(windows, bound):
    weights = replace(small.STUDENT, features=0.0, causal=0.0)

    student, figures = distill_student.run(
        windows, bound, "distilled", replace(STUDENT, weights=weights), FOLLOW
    )

    assert isinstance(student.network, Plain)
    assert figures["terms"].keys() == {"score", "distill"}


class Interrupted(Exception):
    pass


def interrupted(*args, **kwargs):
    raise Interrupted


@pytest.mark.parametrize(
    ("before", "done"),
    [("train", (distill_student, "learn_hints")), ("crps_by_steps", (learning.training, "_learn"))],
)
def test_what_was_learnt_before_an_interruption_is_not_learnt_again(
    windows, knowing, tmp_path, before, done
):
    """Stopped before the first step, the hints are kept; after the last one, all of it."""
    follow = Follower(Nobody(), tmp_path / "c.safetensors", "mine")
    whole, expected = distill_student.run(windows, knowing, "distilled", STUDENT, FOLLOW)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Interrupted):
        patch.setattr(training, before, interrupted)
        distill_student.run(windows, knowing, "distilled", STUDENT, follow)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(*done, interrupted)
        model, figures = distill_student.run(windows, knowing, "distilled", STUDENT, follow)

    assert figures == expected
    weights = model.network.state_dict()
    for name, value in whole.network.state_dict().items():
        assert torch.equal(weights[name], value), name


def test_rounds_of_few_steps_have_curves_of_their_own(windows, knowing):
    told = []
    log = SimpleNamespace(metrics=lambda step, **values: told.append((step, *values)))
    few = replace(STUDENT.few_steps, evaluations=[1])

    distill_student.run(
        windows, knowing, "distilled", replace(STUDENT, few_steps=few), Follower(log, None, "")
    )

    losses = [[name for name in names if name.endswith("loss")] for _, *names in told]
    assert [names for names in losses if names] == [["loss"], ["few_steps_1/loss"]]
