"""Baselines on frames whose future is known."""

import numpy as np
import pytest

from nephele.evaluation.baselines import optical_flow, persistence

SIZE, LEADS = 96, 4


def clouds(shift):
    """Cold blobs of some 8 pixels, moved by `shift` (y, x) pixels; K."""
    y, x = np.mgrid[:SIZE, :SIZE]
    frame = np.full((SIZE, SIZE), 290.0)
    for cy, cx, depth in [(40, 35, 70), (55, 60, 50), (30, 62, 40), (66, 34, 60)]:
        distance = (y - cy - shift[0]) ** 2 + (x - cx - shift[1]) ** 2
        frame -= depth * np.exp(-distance / (2 * 8**2))
    return frame


def moving(velocity, times):
    return np.stack([clouds((velocity[0] * t, velocity[1] * t)) for t in times])[None]


def test_persistence_is_the_last_frame_at_every_lead_time():
    history = np.arange(2 * 3 * 4 * 4, dtype=float).reshape(2, 3, 4, 4)
    forecast = persistence(history, leads=5)
    assert forecast.shape == (2, 1, 5, 4, 4)
    assert (forecast == history[:, None, -1:]).all()


@pytest.mark.parametrize("velocity", [(0.0, 2.0), (1.5, -1.0), (-2.0, 0.5)])
def test_optical_flow_carries_clouds_that_move_uniformly(velocity):
    history = moving(velocity, range(-3, 1))
    truth = moving(velocity, range(1, LEADS + 1))
    carried = np.abs(optical_flow(history, LEADS)[:, 0] - truth)
    held = np.abs(persistence(history, LEADS)[:, 0] - truth)
    assert (carried.mean(axis=(-2, -1)) < 0.25 * held.mean(axis=(-2, -1))).all()


def test_optical_flow_of_what_stands_still_is_persistence():
    history = moving((0.0, 0.0), range(-3, 1))
    expected = persistence(history, LEADS)
    assert optical_flow(history, LEADS) == pytest.approx(expected, abs=1e-3)


def test_optical_flow_of_a_uniform_frame_is_that_frame():
    history = np.full((1, 4, SIZE, SIZE), 280.0)
    assert optical_flow(history, LEADS) == pytest.approx(np.full((1, 1, LEADS, SIZE, SIZE), 280.0))
