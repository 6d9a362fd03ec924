from dataclasses import replace

import known_windows
import numpy as np
import pytest
import torch

from nephele.evaluation import true_effects
from nephele.evaluation.true_effects import WORLD_SEED
from nephele.fields.variables import PLACEBO
from nephele.windows.tensors import Scales
from nephele.world.archive import storm_id
from nephele.world.effects import true_effects as by_storm
from nephele.world.simulation import simulate
from nephele.world.statistics import coarsened

SEED, STORM, SINCE, LEADS, FRAMES = 7, 3, 4, 2, 7
SCALES = Scales(mean=265.0, std=20.0)


@pytest.fixture(scope="module")
def windows():
    """One window of one storm of the world, as the pipeline would have it."""
    storm = simulate(SEED, STORM, FRAMES)
    # A satellite's product has whole fifths of a kelvin.
    kelvin = coarsened(np.round(storm.brightness_temperature.values / 0.2) * 0.2, 2)
    variables = (*(str(name) for name in storm["variable"].values), PLACEBO)
    fields = (FRAMES, len(variables), 128, 128)
    nothing = torch.zeros(1).expand(fields)
    return replace(
        known_windows.make_windows(storms=1),
        frames=torch.from_numpy((kelvin - SCALES.mean) / SCALES.std).float(),
        era5=nothing,
        valid=nothing,
        climatology=nothing[0],
        frame_index=np.arange(SINCE - 2, FRAMES)[None],
        storm=np.array([storm_id(STORM)]),
        init_time=storm.time.values[[SINCE]],
        variables=variables,
        history=3,
        future=LEADS,
        lead_hours=(3, 6),
        scales=SCALES,
        attributes={"synthetic": 1, "cell_km": 20.0, WORLD_SEED: SEED},
    )


@pytest.fixture(scope="module")
def found(windows):
    return true_effects.changes(windows, np.array([0]), (0.0, 1.0))


def test_the_truth_of_a_window_is_that_of_its_storm_from_its_initial_time_on(found, windows):
    expected = by_storm(SEED, [STORM], SINCE, LEADS).change.sel(storm=STORM)
    squared = found[1.0][0, :-1]
    assert squared.shape == (len(windows.variables) - 1, LEADS)
    np.testing.assert_allclose(np.sqrt(squared), expected, rtol=1e-3, atol=1e-5)
    assert (squared[:, -1] > 0).all()


def test_no_dose_and_the_placebo_change_nothing_at_all(found):
    assert (found[0.0] == 0).all()
    assert (found[1.0][:, -1] == 0).all()


def test_real_data_have_no_truth(windows):
    real = replace(windows, attributes={"synthetic": 0, "cell_km": 20.0})
    assert true_effects.changes(real, np.array([0]), (1.0,)) == {}


def test_frames_of_another_world_are_refused(windows):
    other = replace(windows, attributes=windows.attributes | {WORLD_SEED: SEED + 1})
    moved = replace(other, init_time=simulate(SEED + 1, STORM, FRAMES).time.values[[SINCE]])
    with pytest.raises(ValueError, match=r"S0003: the synthetic world runs .* K off the frames"):
        true_effects.changes(moved, np.array([0]), (0.0,))
