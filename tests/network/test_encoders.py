"""What an encoder makes of its fields is as large as they are, from the beginning."""

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
