import small
import torch

from nephele.evaluation.interventions import with_climatology

CLIMATOLOGY = torch.full((4, 32, 32), 0.7)
VARIABLE = 2


def moved(samples, **how):
    return with_climatology(samples, VARIABLE, CLIMATOLOGY, **how)


def test_no_dose_leaves_every_bit_and_the_whole_one_leaves_nothing_else():
    samples = small.samples()
    assert torch.equal(moved(samples, towards=0.0).era5, samples.era5)
    assert (moved(samples).era5[:, VARIABLE] == 0.7).all()


def test_half_a_dose_goes_half_of_the_way():
    samples = small.samples()
    half = moved(samples, towards=0.5).era5[:, VARIABLE]
    torch.testing.assert_close(half, (samples.era5[:, VARIABLE] + 0.7) / 2)


def test_nothing_else_moves_and_the_samples_themselves_stay():
    samples = small.samples()
    before = samples.era5.clone()
    found = moved(samples, since=3)
    assert torch.equal(samples.era5, before)
    others = [variable for variable in range(4) if variable != VARIABLE]
    assert torch.equal(found.era5[:, others], before[:, others])
    assert torch.equal(found.era5[:, VARIABLE, :3], before[:, VARIABLE, :3])
    assert (found.era5[:, VARIABLE, 3] == 0.7).all()
    assert found.valid is samples.valid
