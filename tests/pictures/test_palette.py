import numpy as np
import pytest
from matplotlib.colors import to_rgb
from skimage.color import rgb2lab

from nephele.pictures import palette

COLD_CLOUD = 235.0  # K, where the arms meet


def lightness(kelvin):
    colours = palette.infrared()(palette.scale()(np.asarray(kelvin, float)))[..., :3]
    return rgb2lab(colours[None])[0, :, 0]


def test_lightness_falls_along_both_arms_away_from_cold_cloud():
    warm = lightness(np.linspace(COLD_CLOUD, palette.WARMEST, 60))
    cold = lightness(np.linspace(COLD_CLOUD, palette.COLDEST, 60))

    assert (np.diff(warm) < 0).all()
    assert (np.diff(cold) < 0).all()


def test_no_step_of_one_kelvin_is_a_visible_edge():
    kelvin = np.arange(palette.COLDEST, palette.WARMEST + 1)

    assert np.abs(np.diff(lightness(kelvin))).max() < 3  # of 100


def test_the_warm_arm_has_no_hue_and_the_cold_arm_has():
    def chroma(kelvin):
        colours = palette.infrared()(palette.scale()(np.array([kelvin])))[None, :, :3]
        return float(np.hypot(*rgb2lab(colours)[0, 0, 1:]))

    assert chroma(270.0) < 5
    assert chroma(210.0) > 40


@pytest.mark.parametrize(("kelvin", "stop"), [(100.0, 185.0), (235.0, 235.0), (400.0, 305.0)])
def test_stops_have_their_colour_and_what_lies_outside_has_the_nearest(kelvin, stop):
    index = palette.indices(np.array([kelvin]), 121)[0]

    expected = 255 * np.array(to_rgb(palette.STOPS[stop]))
    assert np.abs(palette.levels(121)[index] - expected).max() <= 3
