import archive_files
import h5py
import numpy as np
import pandas as pd
import pytest

from nephele.archives import digital_typhoon
from nephele.fields import grid
from nephele.fields.variables import FRAMES


def test_frames_are_turned_northward_and_centred_on_the_track(tmp_path):
    times = pd.date_range(archive_files.START, periods=3, freq="h")
    archive_files.write_track(tmp_path, times)
    image = archive_files.frame()
    image[0, 0] = 321.0  # the first pixel of a file is its north-western corner
    for time in times:
        archive_files.write_frame(tmp_path, time, image)
    frames, dropped = digital_typhoon.read_frames(tmp_path, archive_files.STORM, 0.001)
    assert dropped == ()
    assert frames is not None
    np.testing.assert_allclose(frames[FRAMES].isel(time=0, y=-1, x=0), 321.0)
    np.testing.assert_allclose(frames[FRAMES][0], image[::-1], rtol=1e-6)
    np.testing.assert_allclose(frames.centre_latitude, [15.0, 15.1, 15.2])
    np.testing.assert_allclose(frames.centre_longitude, [140.0, 139.9, 139.8])
    assert frames.y.values[[0, -1]].tolist() == [-1_277_500.0, 1_277_500.0]


def test_what_cannot_be_used_is_left_out_with_a_reason(tmp_path):
    times = pd.date_range(archive_files.START, periods=6, freq="h")
    archive_files.write_track(tmp_path, times[:5])
    filled = archive_files.frame()
    filled[:10] = -19.1
    images = [
        archive_files.frame(),
        filled,
        np.zeros((4, 4)),
        archive_files.frame(),
        None,
        archive_files.frame(),
    ]
    for time, image in zip(times, images, strict=True):
        path = archive_files.write_frame(
            tmp_path, time, archive_files.frame() if image is None else image
        )
        if image is None:
            path.write_bytes(path.read_bytes()[:5000])
    frames, dropped = digital_typhoon.read_frames(tmp_path, archive_files.STORM, 0.001)
    assert frames is not None
    assert frames.indexes["time"].equals(times[[0, 3]])
    reasons = [frame.reason for frame in dropped]
    assert [frame.time for frame in dropped] == [times[i].isoformat() for i in (1, 2, 4, 5)]
    assert reasons[0].startswith("unusable pixels (fill): 1.953% fill")
    assert reasons[1] == "shape: found 4×4, expected 512×512"
    assert reasons[2].startswith("unreadable: expected HDF5")
    assert reasons[3] == "the best track has no position at this time"


def test_the_first_row_of_a_real_file_is_the_north():
    # Noon of 14 April 1987: what is hotter than 308 K is land, and the only land in reach of the
    # storm at 14°N 131°E is the Philippines, from 5.5 to 18.7°N. Upside down, it would end at 22°N.
    archive = archive_files.real("digital_typhoon").parent
    frames, _ = digital_typhoon.read_frames(archive, "198702", 0.001)
    assert frames is not None
    noon = frames.sel(time="1987-04-14T04:00")
    hot = noon[FRAMES].values > 308
    latitude, longitude = grid.positions(
        noon.x.values,
        noon.y.values,
        noon.centre_latitude.values[None],
        noon.centre_longitude.values[None],
    )
    assert hot.sum() > 100
    assert latitude[0][hot].min() > 5.5
    assert latitude[0][hot].max() < 18.7
    assert longitude[0][hot].min() > 119
    assert longitude[0][hot].max() < 126.7


@pytest.mark.parametrize("name", ["infrared", "Infrared", "Data"])
def test_the_frame_has_the_name_that_its_release_gives_it(tmp_path, name):
    path = archive_files.write_frame(tmp_path, archive_files.START, archive_files.frame())
    with h5py.File(path, "r+") as file:
        file.move("infrared", name)
    image, reason = digital_typhoon.read(digital_typhoon.named(path), 0.001)
    assert reason is None
    np.testing.assert_allclose(image, archive_files.frame()[::-1], rtol=1e-6)


def test_a_file_without_a_frame_says_what_it_has(tmp_path):
    path = archive_files.write_frame(tmp_path, archive_files.START, archive_files.frame())
    with h5py.File(path, "r+") as file:
        file.move("infrared", "Visible")
    _, reason = digital_typhoon.read(digital_typhoon.named(path), 0.001)
    assert reason == "unreadable: dataset 'infrared' is missing, found Visible"


def test_degrees_celsius_are_recognised(tmp_path):
    celsius = archive_files.frame() - 273.15
    path = archive_files.write_frame(tmp_path, archive_files.START, celsius)
    _, reason = digital_typhoon.read(digital_typhoon.named(path), 0.001)
    assert "look like °C, expected 160 to 340 K; add 273.15" in str(reason)


def test_times_without_a_file_are_listed_as_gaps(tmp_path):
    times = pd.date_range(archive_files.START, periods=6, freq="h")
    archive_files.write_track(tmp_path, times)
    for time in times.delete([2, 3]):
        archive_files.write_frame(tmp_path, time, archive_files.frame())
    frames, dropped = digital_typhoon.read_frames(tmp_path, archive_files.STORM, 0.001)
    assert frames.sizes["time"] == 4
    assert [(d.time, d.file) for d in dropped] == [(t.isoformat(), "") for t in times[2:4]]
    assert dropped[0].reason == "gap: no file between 09-01 01:00 and 09-01 04:00 UTC"


@pytest.mark.parametrize(
    ("storm", "kept", "left_out", "gaps"), [("200717", 139, 0, 0), ("198702", 101, 55, 6)]
)
def test_every_real_frame_is_either_kept_or_left_out(storm, kept, left_out, gaps):
    archive = archive_files.real("digital_typhoon").parent
    frames, dropped = digital_typhoon.read_frames(archive, storm, 0.001)
    assert frames is not None
    files = [frame for frame in dropped if frame.file]
    assert (frames.sizes["time"], len(files), len(dropped) - len(files)) == (kept, left_out, gaps)
    assert float(frames[FRAMES].min()) > 170
    assert float(frames[FRAMES].isnull().mean()) < 0.001
