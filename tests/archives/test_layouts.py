"""Every release of the Digital Typhoon Dataset is read where it lies."""

import shutil

import archive_files
import pandas as pd
import pytest

from nephele.archives import digital_typhoon, layouts, observed

STORM = archive_files.STORM
TRACK = """\
year,month,day,hour,grade,lat,lng,pressure,wind,dir50,long50,short50,dir30,long30,short30,\
landfall,intp,file_1,mask_1,mask_1_pct
2030,9,1,0,3,15.0,140.0,990,40,0,0,0,0,0,0,0,0,2030090100-203001-TEST-1.h5,,0.0
2030,9,1,1,3,15.1,139.9,990,40,0,0,0,0,0,0,0,1,2030090101-203001-TEST-1.h5,,0.0
"""


def release(root, basins):
    """An archive with two frames of one storm in each basin, and a table for each track."""
    for basin in basins:
        for time in pd.date_range(archive_files.START, periods=2, freq="h"):
            made = archive_files.write_frame(root / "made", time, archive_files.frame())
            target = root / basin / "image" / STORM / made.name
            target.parent.mkdir(parents=True, exist_ok=True)
            made.rename(target)
        metadata = root / basin / "metadata" / f"{STORM}.csv"
        metadata.parent.mkdir(parents=True)
        metadata.write_text(TRACK)
        (root / basin / "metadata.json").write_text("{}")
    shutil.rmtree(root / "made")
    return root


@pytest.mark.parametrize(
    ("basins", "names"),
    [
        (["."], [STORM]),
        (["WP"], [STORM]),
        (["WP", "AU"], [f"AU-{STORM}", f"WP-{STORM}"]),
        (["1/WP", "1/AU", "2/WP", "3/WP"], [f"AU-{STORM}", f"WP-{STORM}"]),
    ],
)
def test_storms_frames_and_tracks_of_every_release_are_found(tmp_path, basins, names):
    archive = release(tmp_path, basins)
    assert digital_typhoon.storms(archive) == names
    for name in names:
        frames, dropped = digital_typhoon.read_frames(archive, name, 0.001)
        assert dropped == ()
        assert frames.centre_latitude.values.tolist() == [15.0, 15.1]
    assert "/2/" not in str(layouts.images(archive, names[-1]))


def test_a_storm_of_a_release_can_be_forecast_alone(tmp_path):
    found = observed.find([release(tmp_path, ["WP"])])
    assert found.storm == STORM
    assert found.read(found.times).centre_longitude.values.tolist() == [140.0, 139.9]


def test_a_storm_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match="no folder of frames of the storm 199901"):
        layouts.images(release(tmp_path, ["WP"]), "199901")
