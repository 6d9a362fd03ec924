"""The encoders learn what the teacher's have read, and nothing else learns."""

import numpy as np
import pytest
import torch

from nephele.learning.hints import hint_loss, learn_hints, take_over
from nephele.network.nephele import sources
from nephele.params import HintParams
from tests import small
from tests.known_windows import make_windows

HINTS = HintParams(steps=30, batch_size=8, learning_rate=0.01)


@pytest.fixture
def windows():
    made = make_windows()
    # What ERA5 says can be seen in the clouds: each frame's mean is its first variable's.
    frames = made.frames + made.era5[:, 0]
    return type(made)(
        **{**vars(made), "frames": frames, "split": np.full(len(made.split), "train")}
    )


def _learnt(network, windows, seed=0):
    teacher = small.network(seed=1).eval().requires_grad_(False)
    return list(learn_hints(network, teacher, windows, HINTS, small.OPTIMISATION, seed))


def test_what_the_clouds_show_is_learnt(windows):
    losses = _learnt(small.network(), windows)

    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])


def test_only_the_encoders_learn(windows):
    network = small.network()
    before = {name: weight.clone() for name, weight in network.state_dict().items()}

    _learnt(network, windows)

    moved = {
        name for name, weight in network.state_dict().items() if not weight.equal(before[name])
    }
    assert moved
    assert all(name.startswith("encoders.") for name in moved)


def test_all_but_what_reads_era5_is_taken_over():
    network, teacher = small.network(), small.network(seed=1)
    before = {name: weight.clone() for name, weight in network.state_dict().items()}

    take_over(network, teacher)

    for name, weight in network.state_dict().items():
        kept = before if name.startswith("encoders.") else teacher.state_dict()
        assert torch.equal(weight, kept[name]), name
    learnt = "scene.layers.0.weight"
    assert not torch.equal(network.state_dict()[learnt], before[learnt])


def test_with_the_teachers_features_the_network_that_took_over_is_the_teacher():
    network, teacher = small.network().eval(), small.network(seed=1).eval()
    samples = small.samples()
    take_over(network, teacher)
    noisy = torch.randn_like(samples.future[:, : teacher.shape.future])
    level = torch.zeros(len(noisy))

    with torch.no_grad():
        condition = teacher.condition(samples.history, sources(samples, "teacher"))
        found = [one(noisy, level, condition).prediction for one in (network, teacher)]

    torch.testing.assert_close(found[0], found[1])


def test_the_same_seed_gives_the_same_encoders(windows):
    first, second = small.network(), small.network()

    assert _learnt(first, windows) == _learnt(second, windows)
    for name, weight in first.state_dict().items():
        assert torch.equal(weight, second.state_dict()[name]), name


def test_a_student_that_reads_what_its_teacher_reads_has_nothing_to_learn():
    """With the teacher's weights, and ERA5 that is the clouds, valid everywhere."""
    teacher = small.network(seed=1)
    samples = small.samples()
    clouds = samples.history[:, None].expand_as(samples.era5)
    alike = type(samples)(samples.history, samples.future, clouds, samples.valid)

    assert hint_loss(small.network(seed=1), teacher, alike).item() == pytest.approx(0, abs=1e-6)
