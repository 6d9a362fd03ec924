"""Spectra of frames that are made of one cosine, or of noise of a known persistence."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from nephele.windows.spectra import Spectra, half_waves, pixels, scales
from tests.known_windows import make_windows


def _windows(frames: torch.Tensor):
    made = make_windows(storms=8, frames=len(frames) // 8)
    return replace(made, frames=frames, split=np.full(len(made.split), "train"))


@pytest.fixture(scope="module")
def decaying() -> Spectra:
    """White frames, each 0.8 times the one before it plus as much new noise as is lost."""
    generator = torch.Generator().manual_seed(0)
    frames = torch.randn(8, 60, 32, 32, generator=generator)
    for step in range(1, 60):
        frames[:, step] = 0.8 * frames[:, step - 1] + 0.6 * frames[:, step]
    return Spectra.of(_windows(frames.flatten(0, 1)))


def test_what_decays_alike_at_every_scale_has_that_persistence(decaying):
    for lead, row in enumerate(decaying.persistence, start=1):
        # The smallest scales have the most modes; the largest one has a single one.
        np.testing.assert_allclose(row[5:], 0.8**lead, atol=0.03)


def test_what_persistence_leaves_is_what_was_added(decaying):
    for lead, row in enumerate(decaying.deviation, start=1):
        np.testing.assert_allclose(row[5:], np.sqrt(1 - 0.64**lead), atol=0.03)
    np.testing.assert_allclose(pixels(decaying, 32)[0], 0.6, atol=0.02)


def test_frames_that_never_change_persist_and_leave_nothing():
    frames = torch.randn(8, 1, 32, 32).expand(8, 14, 32, 32).flatten(0, 1).contiguous()

    found = Spectra.of(_windows(frames))

    np.testing.assert_allclose(found.persistence, 1.0, atol=1e-6)
    np.testing.assert_allclose(found.deviation, 0.0, atol=1e-2)


def test_only_training_windows_count():
    made = make_windows()
    train = replace(made, split=np.where(np.arange(len(made.split)) < 9, "train", "test"))
    used = np.unique(train.frame_index[:9, :9])
    other = train.frames.clone()
    other[np.setdiff1d(np.arange(len(other)), used)] += 7.0

    assert Spectra.of(train) == Spectra.of(replace(train, frames=other))


def test_modes_are_counted_in_half_waves():
    assert half_waves(32)[3, 4] == 5.0
    assert scales(32).max() == 32
    assert scales(128).max() == 128 or scales(128).max() <= np.sqrt(2) * 127
