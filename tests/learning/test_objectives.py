from dataclasses import replace

import pytest
import torch
from torch import Generator

from nephele.learning.objectives import noised, student_objective, teacher_objective
from nephele.network.prediction import Residual
from tests import small

LATE = 1000  # a step after the ramp


def _terms(kind: str):
    network, samples = small.network(), small.samples()
    draw = noised(Residual(small.SPECTRA, small.NOISE), samples, 5, Generator().manual_seed(0))
    teacher = small.network(seed=9).requires_grad_(False)
    if kind == "teacher":
        objective = teacher_objective(small.CAUSAL, steps=LATE)
    else:
        weights = small.STUDENT
        if kind == "control":
            weights = replace(weights, distill=0.0, features=0.0, causal=0.0)
        objective = student_objective(teacher, weights, steps=LATE)
    return network, teacher, objective(network, samples, draw, LATE)


def _learning(network) -> set[str]:
    return {
        name
        for name, weight in network.named_parameters()
        if weight.grad is not None and weight.grad.any()
    }


@pytest.mark.parametrize("kind", ["teacher", "student"])
def test_every_parameter_learns(kind):
    network, _, terms = _terms(kind)
    terms.total.backward()

    assert {name for name, _ in network.named_parameters()} - _learning(network) == set()


def test_the_controls_causal_heads_do_not_learn_and_all_else_does():
    network, _, terms = _terms("control")
    terms.total.backward()

    silent = {name for name, _ in network.named_parameters()} - _learning(network)
    assert silent == {
        name for name, _ in network.named_parameters() if name.startswith("causal_heads.")
    }


def test_the_teacher_is_frozen_while_the_student_learns():
    _, teacher, terms = _terms("student")
    terms.total.backward()

    assert not _learning(teacher)


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("teacher", {"score", "causal"}),
        ("student", {"score", "distill", "features", "causal"}),
        ("control", {"score"}),
    ],
)
def test_each_learns_from_its_own_terms(kind, names):
    _, _, terms = _terms(kind)

    assert set(terms.terms) == names
    assert (terms.causal is None) == (kind == "control")


def test_after_the_ramp_the_causal_term_is_a_quarter_of_the_score():
    _, _, terms = _terms("teacher")

    assert terms.terms["causal"].item() == pytest.approx(terms.terms["score"].item() / 4, rel=1e-4)


def test_at_the_start_there_is_no_causal_term():
    network, samples = small.network(), small.samples()
    draw = noised(Residual(small.SPECTRA, small.NOISE), samples, 5, Generator().manual_seed(0))

    terms = teacher_objective(small.CAUSAL, steps=LATE)(network, samples, draw, 0)

    assert terms.terms["causal"].item() == 0.0


def test_a_student_that_is_its_teacher_and_reads_what_it_reads_has_nothing_to_distil():
    network = small.network()
    samples = small.samples()
    clouds = samples.history[:, None].expand(-1, 4, -1, -1, -1)
    alike = replace(samples, era5=clouds, valid=torch.ones_like(clouds))
    draw = noised(Residual(small.SPECTRA, small.NOISE), alike, 5, Generator().manual_seed(0))

    terms = student_objective(network, small.STUDENT, LATE)(network, alike, draw, LATE).terms

    assert terms["distill"].item() == pytest.approx(0.0, abs=1e-10)
    assert terms["features"].item() == pytest.approx(0.0, abs=1e-10)
