"""What an encoder makes of its fields: how large it is, and what each place hears of the scene."""

import pytest
import torch

from nephele.network.encoders import VariableEncoders


@pytest.mark.parametrize("reduction", [4, 8])
@pytest.mark.parametrize("patch", [1, 4])
def test_fresh_features_of_standard_fields_have_about_unit_mean_square(reduction, patch):
    torch.manual_seed(0)
    encoders = VariableEncoders(3, [16, 32, 64], reduction, patch, times=4)
    size = 64 // patch
    fields = torch.randn(4, 3, 2 * patch**2, 4, size, size)

    with torch.no_grad():
        square = encoders(fields).square().mean().item()

    # Less than 1: at the first and last times and at the rim convolutions see zeros.
    assert 0.2 < square < 1.5


def _encoded(fields):
    torch.manual_seed(0)
    encoders = VariableEncoders(1, [4, 8, 16], reduction=4, patch=4, times=4)
    with torch.no_grad():
        return encoders(fields[None, None])[0, 0]


def test_every_place_hears_of_the_farthest_corner():
    """Convolutions alone would see three patches about each place."""
    fields = torch.zeros(32, 4, 32, 32)
    changed = fields.clone()
    changed[:, :, 0, 0] = 5.0

    opposite = (_encoded(changed) - _encoded(fields))[:, -1, -1]

    assert opposite.abs().max() > 1e-4


def test_a_place_knows_on_which_side_of_the_storm_something_is():
    """What the means of a whole field could not tell: the same, turned round."""
    fields = torch.zeros(32, 4, 32, 32)
    fields[:, :, :8, :8] = 1.0

    here, there = _encoded(fields), _encoded(fields.flip(2, 3))

    assert (here - there)[:, 16, 16].abs().max() > 1e-4


def test_the_roughness_of_single_frames_is_not_lost_between_them():
    """Frames whose small structure changes its sign from one to the next: their mean has none."""
    torch.manual_seed(1)
    small = torch.randn(32, 1, 32, 32)
    alternating = small * torch.tensor([1.0, -1.0, 1.0, -1.0])[None, :, None, None]

    smooth, rough = _encoded(0 * alternating), _encoded(alternating)

    assert (rough - smooth).mean(dim=(1, 2)).abs().max() > 0.1
