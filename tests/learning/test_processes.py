"""One training in two processes, beside the same in one."""

import os
import socket
from dataclasses import replace

import pytest
import torch
from torch import multiprocessing

from nephele.learning import checkpoints, processes
from nephele.learning.objectives import student_objective, teacher_objective
from nephele.learning.training import Learner, train
from nephele.network.prediction import Residual
from tests import small
from tests.learning.test_training import random_windows

STOP = 3
CLOSE = {"rtol": 1e-4, "atol": 5e-5}  # a step of Adam is 1e-3, however small its gradient


def trained(kind, folder, params=small.TRAINING, resume=None, stop=None, seed=0):
    """The learner, trained in as many processes as there are."""
    learner = Learner.fresh(small.network(seed=seed).channels_last(), params.optimisation)
    if resume is not None:
        checkpoints.load(resume, learner, "mine")
    objective = teacher_objective(small.CAUSAL, params.steps)
    if kind == "student":
        teacher = small.network(seed=9).requires_grad_(False)
        objective = student_objective(teacher, small.STUDENT, params.steps)
    predicted = Residual(small.SPECTRA, small.NOISE)
    for progress in train(learner, objective, predicted, random_windows(), params):
        if progress.step == stop:
            break
    checkpoints.save(folder / f"{processes.rank()}.safetensors", learner, "mine")
    return learner


def _work(rank, port, arguments):
    torch.set_num_threads(1)
    os.environ |= {
        "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
    }  # fmt: skip
    with processes.joined():
        trained(**{**arguments, "seed": rank})  # whatever each begins with


def in_two(**arguments):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    multiprocessing.spawn(_work, (port, arguments), nprocs=2)
    return [read(arguments["folder"] / f"{rank}.safetensors") for rank in range(2)]


def read(path):
    learner = Learner.fresh(small.network().channels_last(), small.OPTIMISATION)
    checkpoints.load(path, learner, "mine")
    return learner


def assert_alike(learner, other, **close):
    assert learner.step == other.step
    for one, two in zip(learner.history, other.history, strict=True):
        assert one.terms == pytest.approx(two.terms, rel=close.get("rtol", 0))
        assert one.gradient_norm == pytest.approx(two.gradient_norm, rel=close.get("rtol", 0))
        balances = [found.causal_weight or 0.0 for found in (one, two)]
        assert balances[0] == pytest.approx(balances[1], rel=close.get("rtol", 0))
        assert (one.shares is None) == (two.shares is None)
        if one.shares:
            assert one.shares == pytest.approx(two.shares, rel=close.get("rtol", 0))
    matrices = (found.averaged.module.effect_matrix.average for found in (learner, other))
    torch.testing.assert_close(*matrices, **(close or {"rtol": 0, "atol": 0}))
    others = other.averaged.state_dict()
    for name, weight in learner.averaged.state_dict().items():
        torch.testing.assert_close(weight, others[name], **(close or {"rtol": 0, "atol": 0}))


@pytest.mark.parametrize("kind", ["teacher", "student"])
def test_two_processes_learn_what_one_does(kind, tmp_path):
    (tmp_path / "one").mkdir()
    alone = trained(kind, tmp_path / "one")

    first, second = in_two(kind=kind, folder=tmp_path)

    assert_alike(first, second)
    assert_alike(first, alone, **CLOSE)


def test_one_process_goes_on_where_two_were_stopped_and_the_other_way_round(tmp_path):
    for name in ("whole", "to_one", "to_two"):
        (tmp_path / name).mkdir()
    whole = trained("teacher", tmp_path / "whole")

    in_two(kind="teacher", folder=tmp_path / "to_one", stop=STOP)
    one = trained("teacher", tmp_path, resume=tmp_path / "to_one" / "0.safetensors")
    assert_alike(one, whole, **CLOSE)

    trained("teacher", tmp_path / "to_two", stop=STOP)
    stopped = tmp_path / "to_two" / "0.safetensors"
    first, second = in_two(kind="teacher", folder=tmp_path, resume=stopped)
    assert_alike(first, second)
    assert_alike(first, whole, **CLOSE)


def test_parts_of_a_batch_one_after_another_give_its_gradient(tmp_path):
    """Without the causal term, whose balance is each part's own."""
    parts = replace(small.TRAINING, optimisation=replace(small.OPTIMISATION, accumulate=2))
    learners = []
    for params in (small.TRAINING, parts):
        learner = Learner.fresh(small.network().channels_last(), params.optimisation)
        objective = teacher_objective(replace(small.CAUSAL, causal=0.0), params.steps)
        list(
            train(
                learner, objective, Residual(small.SPECTRA, small.NOISE), random_windows(), params
            )
        )
        learners.append(learner)

    assert_alike(*learners, **CLOSE)


def test_maps_that_are_made_twice_change_nothing(tmp_path):
    again = replace(small.TRAINING, optimisation=replace(small.OPTIMISATION, recompute=True))
    (tmp_path / "again").mkdir()

    assert_alike(trained("teacher", tmp_path), trained("teacher", tmp_path / "again", again))


def test_a_batch_that_cannot_be_parted_is_refused(tmp_path):
    odd = replace(small.TRAINING, optimisation=replace(small.OPTIMISATION, accumulate=3))

    with pytest.raises(ValueError, match="batch_size = 4 in 1 processes with accumulate = 3"):
        trained("teacher", tmp_path, odd)
