import archive_files
import h5py
import numpy as np
import pandas as pd
import pytest

from nephele.archives import quality

SHAPE = (512, 512)

# 198702, frame by frame as pictures: day and hour of each that has more than 0.1 % of its pixels
# (262 of 262,144) in the red bar of fill at its lower edge. Ten more have a sliver of it, of 1 to
# 201 pixels: 1401, 1402, 1410, 1413, 1414, 1420, 1422, 1517, 1519 and 1520.
HOURS_OF_DAYS = {
    9: (19, 20, 22),
    10: (1, 2, 4, 5, 7, 8, 10, 13, 17, 19, 20, 22),
    11: (1, 2, 4, 5, 7, 8, 10, 13, 17, 19, 20, 22),
    12: (1, 2, 4, 5, 7, 8, 10, 13, 14, 17, 19, 20, 22),
    13: (1, 2, 4, 5, 7, 8, 10, 13, 14, 17, 19, 20, 22),
    14: (17, 19),
}
FILLED = [f"{day:02d}{hour:02d}" for day, hours in HOURS_OF_DAYS.items() for hour in hours]


def fault(brightness, max_fill=0.001):
    return quality.control(brightness, SHAPE, max_fill)[1]


@pytest.fixture
def clean():
    return archive_files.frame().astype(np.float32)


def test_a_clean_frame_is_kept_whole(clean):
    image, reason = quality.control(clean, SHAPE, 0.0)
    assert reason is None
    np.testing.assert_array_equal(image, clean)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (-19.1, "fill"),
        (np.nan, "fill"),
        (0.0, "fill"),
        (120.0, "impossible temperature"),
        (360.0, "impossible temperature"),
        (np.inf, "impossible temperature"),
        (335.0, "burnt-in text"),
    ],
)
def test_a_few_bad_pixels_are_masked_and_many_drop_the_frame(clean, value, kind):
    clean.ravel()[:262] = value  # 262 of 262,144 pixels are 0.0999 %
    image, reason = quality.control(clean, SHAPE, 0.001)
    assert reason is None
    assert np.isnan(image).sum() == 262
    assert np.isnan(image.ravel()[:262]).all()
    clean.ravel()[262] = value
    assert fault(clean).startswith(f"unusable pixels ({kind})")
    assert "expected at most 0.100%" in fault(clean)


def test_a_wedge_of_plausible_temperature_is_found_to_the_pixel(clean):
    clean[100:145, 60:110] = 251.0
    expected = np.zeros(SHAPE, dtype=bool)
    expected[100:145, 60:110] = True
    np.testing.assert_array_equal(quality.faults(clean)["grey wedge"], expected)
    assert "grey wedge" in fault(clean)


def test_a_desert_at_noon_is_no_text(clean):
    # 330 K in the middle of warm land of 315 K, and a letter of the same 330 K over the sea.
    clean[100:200, 100:200] = 315 + np.random.default_rng(1).random((100, 100))
    clean[120:180, 120:180] = 330 + np.random.default_rng(2).random((60, 60))
    assert not quality.faults(clean)["burnt-in text"].any()
    clean[300:312, 300:302] = 330.5
    text = np.zeros(SHAPE, dtype=bool)
    text[300:312, 300:302] = True
    np.testing.assert_array_equal(quality.faults(clean)["burnt-in text"], text)


def test_a_calm_sea_of_coarse_counts_is_no_wedge():
    # Counts half a kelvin apart, and noise of a tenth: most neighbours are alike.
    noise = 0.25 * np.random.default_rng(0).standard_normal(SHAPE)
    assert fault(np.round((295 + noise) * 2) / 2) is None


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        (lambda kelvin: 0.01 * kelvin + 200, "decoded twice"),
        (lambda kelvin: np.round((kelvin - 200) * 100), "packed counts"),
        (lambda kelvin: kelvin - 273.15, "°C, expected 160 to 340 K; add 273.15"),
        (lambda kelvin: (kelvin - 170) / 130, "normalised"),
        (lambda kelvin: np.round(2 * (320 - kelvin)), "8-bit counts"),
    ],
)
def test_what_is_not_kelvin_is_recognised(clean, mistake, words):
    assert fault(mistake(clean)).startswith("not kelvin: values from ")
    assert words in fault(mistake(clean))
    with_a_gap = mistake(clean)
    with_a_gap[:50] = np.nan
    assert words in fault(with_a_gap)


@pytest.mark.parametrize("fill", [-19.1, -9999.0, np.nan, 0.0])
def test_fill_over_most_of_a_frame_is_fill_and_no_mistaken_unit(clean, fill):
    clean[:400] = fill
    assert fault(clean).startswith("unusable pixels (fill): 78.125% fill")


def test_another_shape_is_named():
    reason = quality.control(np.zeros((512, 500)), SHAPE, 1.0)[1]
    assert reason == "shape: found 512×500, expected 512×512"


def test_the_times_between_two_files_that_are_too_far_apart_are_gaps():
    hours = pd.date_range("2030-01-01", periods=9, freq="h").delete([3, 4, 7])
    found = quality.gaps(hours)
    assert [f"{time:%H}" for time, _ in found] == ["03", "04", "07"]
    assert found[0][1] == "gap: no file between 01-01 02:00 and 01-01 05:00 UTC"
    assert quality.gaps(pd.date_range("2030-01-01", periods=9, freq="3h")) == []


def frames_of(storm):
    folder = archive_files.real("digital_typhoon", "image", storm)
    for path in sorted(folder.glob("*.h5")):
        with h5py.File(path) as file:
            yield path.name[6:10], file["infrared"][()]


def test_no_frame_of_the_clean_storm_is_lost():
    assert [name for name, frame in frames_of("200717") if fault(frame)] == []


def test_of_the_messy_storm_every_frame_with_fill_is_caught_and_no_clean_one_is_lost():
    dropped, counted, total = [], [], 0
    for name, frame in frames_of("198702"):
        total += 1
        # Every fault of these frames comes with the fill value, -19.1 K, that surrounds it; how
        # much of it there is is counted here without the quality control.
        if (frame == frame.min()).sum() > 262 and frame.min() < 0:
            counted.append(name)
        if fault(frame):
            dropped.append(name)
    assert (total, len(FILLED)) == (156, 55)
    assert counted == FILLED
    assert dropped == FILLED


def test_letters_of_the_messy_storm_are_text_and_none_of_its_land_is():
    for name, frame in frames_of("198702"):
        if name in ("0919", "1213", "1404"):  # bar and letters; letters; the Philippines at noon
            np.testing.assert_array_equal(quality.faults(frame)["burnt-in text"], frame > 325)
