import re

import gridsat_files
import numpy as np
import pandas as pd
import pytest
import track_files

from nephele.archives import best_tracks, gridsat
from nephele.fields import grid
from nephele.fields.variables import FRAMES

START = pd.Timestamp("2013-11-07 00:00")
# Bilinear interpolation between points h apart is off by h² / 8 times the second derivative: less
# than 0.001 K here; the packing rounds to 0.01 K.
CLOSE = 0.01


def track(latitude, longitude, hours=6):
    times = [START, START + pd.Timedelta(hours=hours)]
    return pd.DataFrame({"latitude": latitude, "longitude": longitude}, index=times)


@pytest.fixture
def files(tmp_path):
    for step in (0, 3, 6):
        gridsat_files.write(tmp_path / "2013", START + pd.Timedelta(hours=step))
    return gridsat.find(str(tmp_path))


def truth(frames):
    """The field at every pixel of every frame, by the projection back to the sphere."""
    latitude, longitude = grid.positions(
        frames.x.values,
        frames.y.values,
        frames.centre_latitude.values,
        frames.centre_longitude.values,
    )
    return gridsat_files.smooth(latitude, longitude)


@pytest.mark.parametrize(
    "centre",
    [(15.0, 140.0), (-15.0, 180.0), (12.0, 179.3), (12.0, 181.0), (0.0, 0.0), (40.0, 359.0)],
)
def test_a_frame_shows_the_field_at_its_pixels_across_the_date_line_too(files, centre):
    storms = {"S": track((centre[0], centre[0] + 1), (centre[1], (centre[1] + 1) % 360))}
    frames, dropped = gridsat.read_frames(files, storms, "S", 0.0)
    assert dropped == ()
    assert frames.sizes == {"time": 3, "y": 512, "x": 512}
    assert frames.y.values[[0, -1]].tolist() == [-1_277_500.0, 1_277_500.0]
    np.testing.assert_allclose(frames[FRAMES].values, truth(frames), atol=CLOSE)
    np.testing.assert_allclose(frames.centre_latitude[1], centre[0] + 0.5)


def test_longitudes_of_0_to_360_and_latitudes_from_the_north_are_the_same(tmp_path, files):
    storms = {"S": track((15.0, 15.0), (179.0, 179.0))}
    expected, _ = gridsat.read_frames(files, storms, "S", 0.0)
    for time, path in files.items():
        turned = tmp_path / "turned" / path.name
        turned.parent.mkdir(exist_ok=True)
        with gridsat.netcdf(path) as raw:
            east = np.mod(raw.lon.astype(float), 360.0)
            raw.assign_coords(lon=east).sortby("lon").isel(lat=slice(None, None, -1)).to_netcdf(
                turned
            )
        image, reason = gridsat.read(turned, time, (15.0, 179.0), 0.0)
        assert reason is None
        np.testing.assert_allclose(image, expected[FRAMES].sel(time=time), atol=1e-4)


def test_no_more_of_a_file_is_read_than_the_box_around_the_storm(files, monkeypatch):
    asked = []
    interpolate = gridsat._interpolate

    def note(field, rows, columns):
        asked.append(field.shape)
        return interpolate(field, rows, columns)

    monkeypatch.setattr(gridsat, "_interpolate", note)
    gridsat.read_frames(files, {"S": track((10.0, 10.0), (180.0, 180.0))}, "S", 0.0)
    # 2,560 km are 23° of latitude, and 24.5° of longitude at 21.5°N: 33 and 36 steps of 0.7°.
    assert all(rows < 33 + 5 and columns < 36 + 5 for rows, columns in asked)


def test_what_is_missing_is_never_made_up(tmp_path):
    def hole(latitude, longitude):
        field = gridsat_files.smooth(latitude, longitude)
        missing = (np.abs(latitude - 15) < 2) & (np.abs(longitude - 141) < 2)
        return np.where(missing, np.nan, field)

    path = gridsat_files.write(tmp_path, START, hole)
    image, reason = gridsat.read(path, START, (15.0, 140.0), 1.0)
    assert reason is None
    points = grid.centres(512, 5_000.0)
    latitude, longitude = grid.to_sphere(points[None, :], points[:, None], 15.0, 140.0)
    gone = np.isnan(image)
    # A pixel has a value where all four neighbours have one.
    assert gone[(np.abs(latitude - 15) < 2) & (np.abs(longitude - 141) < 2)].all()
    near = (np.abs(latitude - 15) < 2.7) & (np.abs(longitude - 141) < 2.7)
    assert not gone[~near].any()
    np.testing.assert_allclose(
        image[~gone], gridsat_files.smooth(latitude, longitude)[~gone], atol=CLOSE
    )
    assert "fill" in gridsat.read(path, START, (15.0, 140.0), 0.001)[1]


def test_a_storm_too_far_north_has_frames_with_fill(files):
    # GridSat ends at 70°N; the frame of a storm at 65°N reaches beyond 76°N.
    frames, dropped = gridsat.read_frames(files, {"S": track((65.0, 65.0), (0.0, 0.0))}, "S", 0.001)
    assert frames is None
    assert [d.reason.split(":")[0] for d in dropped] == ["unusable pixels (fill)"] * 3


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        # Kelvin stored as floats beside the attributes of the packing: decoded once more.
        ({"dtype": "f4"}, "not kelvin: values from 202.* decoded twice"),
        # Counts that lost their attributes.
        ({"without": ("scale_factor", "add_offset")}, "not kelvin: .* packed counts"),
        ({"attributes": {"add_offset": 200.0 - 273.15}}, "not kelvin: .*look like °C"),
        ({"attributes": {"units": "degC"}}, "unreadable: irwin_cdr: units are 'degC'"),
        ({"name": "irwin_2"}, "unreadable: irwin_cdr is missing, found irwin_2"),
        ({"inside": START + pd.Timedelta(hours=6)}, "unreadable: time: found 2013-11-07 06:00"),
    ],
)
def test_what_was_done_wrong_to_a_file_is_said(tmp_path, changes, words):
    path = gridsat_files.write(tmp_path, START, **changes)
    image, reason = gridsat.read(path, START, (15.0, 140.0), 0.001)
    assert image is None
    assert re.match(words, reason), reason


def test_kelvin_that_someone_has_decoded_are_kelvin(tmp_path):
    path = gridsat_files.write(tmp_path, START, dtype="f4", without=("scale_factor", "add_offset"))
    image, _ = gridsat.read(path, START, (15.0, 140.0), 0.001)
    expected, _ = gridsat.read(gridsat_files.write(tmp_path, START), START, (15.0, 140.0), 0.001)
    np.testing.assert_allclose(image, expected, atol=CLOSE)


def test_broken_and_missing_files_are_left_out_with_a_reason(tmp_path, files):
    late = START + pd.Timedelta(hours=15)
    gridsat_files.write(tmp_path, late)
    broken = files[START + pd.Timedelta(hours=3)]
    broken.write_bytes(broken.read_bytes()[:20_000])
    storms = {"S": track((15.0, 15.0), (140.0, 140.0), hours=18)}
    frames, dropped = gridsat.read_frames(gridsat.find(str(tmp_path)), storms, "S", 0.001)
    assert [f"{time:%d %H}" for time in frames.indexes["time"]] == ["07 00", "07 06", "07 15"]
    reasons = [(d.time[11:13], d.reason) for d in dropped]
    assert [time for time, _ in reasons] == ["03", "09", "12"]
    assert reasons[0][1].startswith("unreadable: expected NetCDF")
    assert reasons[1][1] == "gap: no file between 11-07 06:00 and 11-07 15:00 UTC"


def test_storms_are_those_of_ibtracs_that_have_files_and_no_spur(tmp_path, files):
    tracks = best_tracks.read_ibtracs(track_files.write(tmp_path / "ibtracs.csv"))
    assert gridsat.storms(files, tracks) == [track_files.HAIYAN, track_files.ACROSS]
    frames, dropped = gridsat.read_frames(files, tracks, track_files.ACROSS, 0.0)
    assert dropped == ()
    np.testing.assert_allclose(frames.centre_longitude, [179.5, 180.5, 181.5], atol=1e-4)
    np.testing.assert_allclose(frames[FRAMES].values, truth(frames), atol=CLOSE)
    with pytest.raises(ValueError, match="NOBODY: it is not among the 3 tracks"):
        gridsat.read_frames(files, tracks, "NOBODY", 0.0)
    late = {time + pd.Timedelta(days=365): path for time, path in files.items()}
    with pytest.raises(ValueError, match="none of the 3 tracks has a file"):
        gridsat.storms(late, tracks)


def test_files_are_found_in_a_folder_and_by_a_glob(tmp_path, files):
    assert list(gridsat.find(f"{tmp_path}/*/GRIDSAT*.nc")) == list(files)
    with pytest.raises(ValueError, match=r"found no file of GridSat-B1, expected GRIDSAT-B1"):
        gridsat.find(str(tmp_path / "nowhere"))
    gridsat_files.write(tmp_path / "twice", START)
    with pytest.raises(ValueError, match="of the same time, expected one file a time"):
        gridsat.find(str(tmp_path))
