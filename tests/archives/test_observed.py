import json

import archive_files
import frames_files
import numpy as np
import pandas as pd
import pytest

from nephele.archives import observed
from nephele.archives.observed import UnusableError
from nephele.fields.variables import FRAMES


def test_only_the_wanted_times_of_a_netcdf_file_are_read_and_they_are_as_they_were(tmp_path):
    times = frames_files.series()
    dataset = frames_files.frames(times)
    found = observed.find([frames_files.write(tmp_path, dataset)])

    assert found.storm == "S0001"
    assert found.times.equals(times)
    read = found.read(times[2:4])
    np.testing.assert_array_equal(read[FRAMES], dataset[FRAMES].values[2:4])
    np.testing.assert_array_equal(read.centre_latitude, dataset.centre_latitude.values[2:4])


def test_an_image_stored_from_the_north_is_turned(tmp_path):
    dataset = frames_files.frames(frames_files.series())
    path = frames_files.write(tmp_path, dataset.isel(y=slice(None, None, -1)))

    read = observed.find([path]).read(frames_files.series())
    np.testing.assert_array_equal(read[FRAMES], dataset[FRAMES])


@pytest.mark.parametrize("synthetic", [True, False])
def test_what_acquire_says_beside_the_storms_is_known(tmp_path, synthetic):
    path = frames_files.write(tmp_path, frames_files.frames(frames_files.series()))
    said = {"source": "here", "synthetic": synthetic, "attribution": "ours", "variables": {}}
    (tmp_path / "provenance.json").write_text(json.dumps(said))

    known = observed.find([path.parent]).provenance
    assert known == {"source": "here", "synthetic": synthetic, "attribution": "ours"}


def test_the_file_itself_may_say_that_it_is_synthetic(tmp_path):
    dataset = frames_files.frames(frames_files.series()).assign_attrs(synthetic=1)
    path = tmp_path / "mine.nc"
    dataset.to_netcdf(path)

    found = observed.find([path])
    assert (found.storm, found.provenance) == ("mine", {"synthetic": 1})


@pytest.mark.parametrize("given", ["archive", "storm", "files"])
def test_hdf5_frames_are_found_by_archive_by_folder_and_by_file(tmp_path, given):
    archive_files.write_archive(tmp_path, frames=3)
    folder = tmp_path / "digital_typhoon" / "image" / archive_files.STORM
    places = {"archive": [tmp_path], "storm": [folder], "files": sorted(folder.glob("*.h5"))}

    found = observed.find(places[given])
    times = pd.date_range(archive_files.START, periods=3, freq="3h")
    assert (found.storm, len(found.files)) == (archive_files.STORM, 3)
    assert found.times.equals(times)
    np.testing.assert_allclose(found.read(times[1:]).centre_latitude, [15.3, 15.6])


def test_hdf5_frames_without_a_track_have_no_centre(tmp_path):
    archive_files.write_archive(tmp_path, frames=2)
    for track in tmp_path.rglob("*.tsv"):
        track.unlink()

    found = observed.find([tmp_path])
    assert np.isnan(found.read(found.times).centre_latitude).all()


def test_an_unusable_frame_is_named_when_it_is_wanted_and_not_before(tmp_path):
    times = pd.date_range(archive_files.START, periods=2, freq="3h")
    archive_files.write_frame(tmp_path, times[0], archive_files.frame())
    archive_files.write_frame(tmp_path, times[1], np.zeros((512, 512)))

    found = observed.find([tmp_path])
    assert found.times.equals(times)
    assert found.read(times[:1]).sizes["time"] == 1
    with pytest.raises(UnusableError, match=r"2030-09-01 03:00 UTC.*fill"):
        found.read(times)


def test_of_two_files_of_one_time_the_usable_one_is_taken(tmp_path):
    time = archive_files.START
    bad = archive_files.write_frame(tmp_path, time, np.zeros((4, 4)))
    good = bad.with_name(bad.name.replace("TEST", "ZETA"))
    archive_files.write_frame(tmp_path / "other", time, archive_files.frame()).rename(good)

    read = observed.find([tmp_path]).read(pd.DatetimeIndex([time]))
    np.testing.assert_allclose(read[FRAMES][0], archive_files.frame()[::-1], rtol=1e-6)


def test_what_is_no_storms_frames_is_refused(tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    text = tmp_path / "text.nc"
    text.write_text("no NetCDF")
    two = archive_files.write_archive(tmp_path / "two", storms=("203001", "203002"), frames=1)
    for paths, words in (
        ([tmp_path / "nothing.nc"], "no such file or folder"),
        ([empty], "neither frames.nc nor HDF5"),
        ([text], "cannot be read"),
        ([text, text], "expected one NetCDF file"),
        ([two], "found 2 storms, expected one"),
        (sorted(two.rglob("*.h5")), "203001, 203002, expected one storm"),
    ):
        with pytest.raises(ValueError, match=words):
            observed.find(paths)


def test_the_real_frames_are_found():
    found = observed.find([archive_files.real("digital_typhoon", "image", "200717")])
    assert (found.storm, len(found.times)) == ("200717", 139)
    assert "CC BY 4.0" in str(found.provenance["attribution"])
