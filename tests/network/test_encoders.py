"""What an encoder makes of its fields: how large it is, and what each place hears of the scene."""

import archive_files
import h5py
import numpy as np
import pytest
import scipy.fft
import torch

from nephele.network.encoders import VariableEncoders, folded


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


def _sources(values):
    return torch.stack([values, torch.ones_like(values)], dim=2)


def test_patches_are_folded_into_their_cosine_modes_and_the_mean_is_as_it_was():
    values = torch.randn(2, 3, 4, 8, 8, generator=torch.Generator().manual_seed(0))

    found = folded(_sources(values), patch=4)

    assert found.shape == (2, 3, 32, 4, 2, 2)
    patch = values[1, 2, 3, 4:, :4].numpy()
    modes = scipy.fft.dctn(patch, norm="ortho")
    np.testing.assert_allclose(found[1, 2, 0, 3, 1, 0], modes[0, 0], rtol=1e-5)
    wave = np.add.outer(np.arange(4) ** 2, np.arange(4) ** 2) ** 0.5
    expected = 2 * wave**1.5 * modes
    np.testing.assert_allclose(
        found[1, 2, 1:16, 3, 1, 0], expected.flatten()[1:], rtol=1e-4, atol=1e-5
    )
    assert (found[:, :, 16:] == 1).all()


def test_fields_that_are_not_folded_stay_as_they_are():
    sources = _sources(torch.randn(2, 3, 4, 8, 8))

    assert torch.equal(folded(sources, patch=1), sources)


def test_small_structure_on_a_large_mean_is_seen_in_half_precision_too():
    """bf16 has three digits: modes taken in it would drown in the rounding of the mean."""
    small = 0.01 * torch.randn(1, 1, 1, 8, 8, generator=torch.Generator().manual_seed(0))

    with torch.autocast("cpu", torch.bfloat16):
        found = folded(_sources(5 + small), patch=4)[:, :, 1:16]

    alone = folded(_sources(small), patch=4)[:, :, 1:16]
    torch.testing.assert_close(found, alone, atol=1e-4, rtol=1e-3)


def test_modes_of_real_clouds_are_alike():
    """Those of typhoon 2007-17, at the 20 km of the networks, every sixth hour."""
    paths = sorted(archive_files.real("digital_typhoon", "image", "200717").glob("*.h5"))[::6]
    frames = np.stack([h5py.File(path)["infrared"][:] for path in paths])
    frames = torch.from_numpy(frames.reshape(-1, 128, 4, 128, 4).mean(axis=(2, 4))).float()
    normalised = (frames - frames.mean()) / frames.std()

    found = folded(_sources(normalised[:, None, None]), patch=4)
    deviation = found[:, 0, 1:16, 0].std(dim=(0, 2, 3))

    assert deviation.max() < 1.8
    assert deviation.min() > 1.1


def test_modes_of_clouds_with_a_power_density_of_minus_three_are_alike():
    """A field made of random cosines with that spectrum, of unit variance."""
    size, generator = 128, np.random.default_rng(0)
    wave = np.hypot(*np.meshgrid(np.arange(size), np.arange(size)))
    wave[0, 0] = np.inf
    modes = generator.standard_normal((16, size, size)) * np.maximum(wave, 3) ** -1.5
    fields = scipy.fft.idctn(modes, axes=(1, 2), norm="ortho").astype(np.float32)
    fields /= fields.std()

    found = folded(_sources(torch.from_numpy(fields)[:, None, None]), patch=4)
    deviation = found[:, 0, 1:16, 0].std(dim=(0, 2, 3))

    assert deviation.max() < 2 * deviation.min()
