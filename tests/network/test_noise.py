import pytest
import torch

from nephele.network.noise import coloured


def _white(count: int = 200) -> torch.Tensor:
    return torch.randn(count, 5, 64, 64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("red", [0.0, 0.3, 0.9])
def test_coloured_noise_has_unit_variance(red):
    # The large structures leave few independent draws: some 2 % of standard error.
    assert coloured(_white(), red).var().item() == pytest.approx(1.0, abs=0.06)


def test_red_noise_hides_the_mean_of_a_frame_and_white_noise_does_not():
    means = [coloured(_white(), red).mean(dim=(2, 3)).std().item() for red in (0.0, 0.5)]

    assert means[0] == pytest.approx(1 / 64, rel=0.05)
    # The share of the red part at wavenumber zero, 1 / Σ 1 / (1 + (k / 2)³), is 1 / 27.3.
    assert means[1] == pytest.approx((0.5 / 27.3) ** 0.5, rel=0.1)


def test_colouring_is_linear():
    first, second = _white(2).split(1)

    torch.testing.assert_close(
        coloured(2 * first + second, 0.5), 2 * coloured(first, 0.5) + coloured(second, 0.5)
    )


def test_small_structures_stay_white():
    power = torch.fft.rfft2(coloured(_white(), 0.5)).abs().square().mean(dim=(0, 1)) / 64**2

    assert power[32, 16:].mean().item() == pytest.approx(0.5, abs=0.05)
