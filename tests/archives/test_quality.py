import archive_files
import h5py
import numpy as np
import pytest

from nephele.archives import quality

SHAPE = (512, 512)


@pytest.fixture
def clean():
    return archive_files.frame().astype(np.float32)


def test_a_clean_frame_is_kept_whole(clean):
    assert quality.fault(clean, SHAPE, 0.0) is None
    assert quality.usable(clean).all()


@pytest.mark.parametrize(
    ("value", "kind"),
    [(-19.1, "fill"), (np.nan, "fill"), (0.0, "fill"), (335.0, "burnt-in text"), (np.inf, "text")],
)
def test_a_few_bad_pixels_are_masked_and_many_drop_the_frame(clean, value, kind):
    clean.ravel()[:262] = value  # 262 of 262,144 pixels are 0.0999 %
    assert quality.fault(clean, SHAPE, 0.001) is None
    assert quality.usable(clean).sum() == clean.size - 262
    clean.ravel()[262] = value
    reason = quality.fault(clean, SHAPE, 0.001)
    assert reason is not None
    assert reason.startswith(
        f"unusable pixels ({kind}" if kind != "text" else "unusable pixels (burnt"
    )
    assert "expected at most 0.100%" in reason


def test_a_wedge_of_plausible_temperature_is_found_to_the_pixel(clean):
    clean[100:145, 60:110] = 251.0
    expected = np.ones(SHAPE, dtype=bool)
    expected[100:145, 60:110] = False
    np.testing.assert_array_equal(quality.usable(clean), expected)
    assert "grey wedge" in str(quality.fault(clean, SHAPE, 0.001))


def test_a_calm_sea_of_coarse_counts_is_no_wedge():
    # Counts half a kelvin apart, and noise of a tenth: most neighbours are alike.
    noise = 0.25 * np.random.default_rng(0).standard_normal(SHAPE)
    assert quality.fault(np.round((295 + noise) * 2) / 2, SHAPE, 0.001) is None


def test_another_shape_is_named():
    assert quality.fault(np.zeros((512, 500)), SHAPE, 1.0) == "shape is 512×500, expected 512×512"


def frames_of(storm):
    folder = archive_files.real("digital_typhoon", "image", storm)
    for path in sorted(folder.glob("*.h5")):
        with h5py.File(path) as file:
            yield file["infrared"][()]


def test_no_frame_of_the_clean_storm_is_lost():
    assert [f for f in frames_of("200717") if quality.fault(f, SHAPE, 0.001)] == []


def test_of_the_messy_storm_exactly_the_frames_with_fill_are_dropped():
    # Every fault of these frames comes with the fill value, -19.1 K, that surrounds it; which
    # frames have more of it than 0.1 % is counted here without the quality control.
    frames = list(frames_of("198702"))
    spoilt = [bool((frame < 0).mean() > 0.001) for frame in frames]
    dropped = [quality.fault(frame, SHAPE, 0.001) is not None for frame in frames]
    assert dropped == spoilt
    assert (len(frames), sum(dropped)) == (156, 55)
