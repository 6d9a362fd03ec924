import numpy as np
import pytest

from nephele.world.anomalies import Intervention
from nephele.world.effects import true_effects
from nephele.world.simulation import SPIN_UP, run, simulate

SEED, STORM, SINCE, COUNT = 7, 3, 2, 9


@pytest.fixture(scope="module")
def storm():
    return simulate(SEED, STORM, COUNT)


@pytest.fixture(scope="module")
def lower_and_higher():
    """Every variable moved to one standard deviation below its mean, and to one above."""
    return [true_effects(SEED, [1, 2], SINCE, leads=8, anomaly=value) for value in (-1.0, 1.0)]


@pytest.fixture(scope="module")
def towards_more(lower_and_higher):
    lower, higher = lower_and_higher
    return (higher["mean_change"] - lower["mean_change"]).mean("storm")


def frames(storm):
    return storm["brightness_temperature"].values


def intervened(name, *, anomaly=0.0, towards=1.0):
    return simulate(SEED, STORM, COUNT, {name: Intervention(SINCE, anomaly, towards)})


def test_the_same_seed_gives_the_same_bits(storm):
    assert simulate(SEED, STORM, COUNT).identical(storm)


def test_another_storm_is_another_one(storm):
    assert not np.array_equal(frames(simulate(SEED, STORM + 1, COUNT)), frames(storm))


def test_a_longer_life_begins_as_a_shorter_one(storm):
    shorter = simulate(SEED, STORM, COUNT - 4)
    assert shorter.identical(storm.isel(time=slice(COUNT - 4)))


@pytest.mark.parametrize("name", ["sst", "msl", "z", "r"])
def test_an_intervention_by_the_same_values_changes_no_bit(storm, name):
    own = storm["anomaly"].sel(variable=name).values[SINCE:]
    assert intervened(name, anomaly=own).identical(storm)
    assert intervened(name, towards=0.0).identical(storm)


@pytest.mark.parametrize("name", ["sst", "msl", "z", "r"])
def test_an_intervention_leaves_the_past_and_the_other_variables_alone(storm, name):
    replaced = intervened(name, anomaly=2.0)
    np.testing.assert_array_equal(frames(replaced)[: SINCE + 1], frames(storm)[: SINCE + 1])
    assert not np.array_equal(frames(replaced)[-1], frames(storm)[-1])
    others = [other for other in storm["variable"].values if other != name]
    unaltered = replaced["anomaly"].sel(variable=others).values
    np.testing.assert_array_equal(unaltered, storm["anomaly"].sel(variable=others).values)


def test_half_an_intervention_does_less_than_a_whole_one(storm):
    change = [
        np.abs(frames(intervened("r", anomaly=2.0, towards=share)) - frames(storm)).mean()
        for share in (0.25, 0.5, 1.0)
    ]
    assert 0 < change[0] < change[1] < change[2]


def test_warm_sea_and_moist_air_cool_the_cloud_tops_and_high_pressure_warms_them(towards_more):
    last = towards_more.sel(lead_time=24)
    assert last.sel(variable="sst") < -5
    assert last.sel(variable="r") < -5
    assert last.sel(variable="msl") > 1


def test_a_stronger_ridge_pushes_the_cloud_to_the_south_west():
    change = frames(intervened("z", anomaly=3.0))[-1] - frames(intervened("z", anomaly=-3.0))[-1]
    middle = change.shape[0] // 2
    south_west, north_east = change[:middle, :middle].mean(), change[middle:, middle:].mean()
    assert south_west < north_east - 10  # colder


def test_sea_surface_temperature_acts_late_and_humidity_early(towards_more):
    share = towards_more / towards_more.sel(lead_time=24)
    assert share.sel(variable="sst", lead_time=6) < 0.1
    assert share.sel(variable="r", lead_time=6) > 0.2


def test_pressure_is_the_weak_variable(lower_and_higher):
    change = sum(effect["change"] for effect in lower_and_higher).mean(["storm", "lead_time"])
    assert (change.sel(variable="msl") < 0.5 * change.drop_sel(variable="msl")).all()


def test_an_unknown_variable_is_named():
    with pytest.raises(ValueError, match=r"no variable 't' to intervene on; known: .*sst"):
        simulate(SEED, STORM, COUNT, {"t": Intervention(SINCE)})


def test_an_intervention_after_the_end_is_refused():
    with pytest.raises(ValueError, match="expected 0 to 8"):
        simulate(SEED, STORM, COUNT, {"r": Intervention(COUNT)})


def test_a_run_takes_over_what_another_began_alike():
    changed = {"r": Intervention(SINCE, 1.5)}
    storm, before = run(SEED, STORM, COUNT)
    anew, own = run(SEED, STORM, COUNT, changed)
    taken, steps = run(SEED, STORM, COUNT, changed, before)
    assert taken.identical(anew)
    assert not taken.identical(storm)
    shared = [mine is theirs for mine, theirs in zip(steps, before, strict=True)]
    alike = SPIN_UP + SINCE
    assert all(shared[:alike])
    assert not any(shared[alike + 1 :])
    assert [step.drivers for step in steps] == [step.drivers for step in own]
