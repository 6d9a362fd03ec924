import json

import archive_files
import numpy as np
import pandas as pd
import pytest
import track_files

from nephele.archives import best_tracks

HEADER = "year,month,day,hour,grade,lat,lng,pressure,wind,dir50,long50,short50"


def write(path, *rows):
    path.write_text("\n".join("\t".join(map(str, row)) + "\t990\t40\t0" for row in rows) + "\n")
    return path


def test_positions_between_rows_lie_on_the_line(tmp_path):
    path = write(
        tmp_path / "t.tsv", (2020, 1, 1, 0, 3, 10.0, 140.0), (2020, 1, 1, 6, 3, 13.0, 134.0)
    )
    found = best_tracks.at(best_tracks.read(path), pd.DatetimeIndex(["2020-01-01 02:00"]))
    assert found.iloc[0].tolist() == pytest.approx([11.0, 138.0])


@pytest.mark.parametrize(
    ("west", "east", "half"), [(179.0, -179.0, 180.0), (359.0, 1.0, 0.0), (358.0, 1.0, 359.5)]
)
def test_a_track_takes_the_short_way_across_a_meridian(tmp_path, west, east, half):
    path = write(tmp_path / "t.tsv", (2020, 1, 1, 0, 3, 10.0, west), (2020, 1, 1, 2, 3, 10.0, east))
    found = best_tracks.at(best_tracks.read(path), pd.DatetimeIndex(["2020-01-01 01:00"]))
    assert found.longitude.iloc[0] == pytest.approx(half)


def test_outside_the_track_there_is_no_position(tmp_path):
    path = write(tmp_path / "t.tsv", (2020, 1, 1, 0, 3, 10.0, 140.0))
    assert np.isnan(
        best_tracks.at(best_tracks.read(path), pd.DatetimeIndex(["2020-01-02"])).to_numpy()
    ).all()


@pytest.mark.parametrize("text", ["", "latitude,longitude\n1,2\n", "2020\t13\t1\t0\t3\t10\t140\n"])
@pytest.mark.parametrize("suffix", ["tsv", "csv", "json"])
def test_what_is_no_best_track_is_refused(tmp_path, suffix, text):
    path = tmp_path / f"t.{suffix}"
    path.write_text(text)
    with pytest.raises(ValueError, match=rf"t\.{suffix}: .*replace the file"):
        best_tracks.read(path)


def test_the_same_track_is_read_from_tsv_csv_and_json(tmp_path):
    # The rows of 200801, as the second and later releases have them.
    rows = [(2008, 4, 13, 0, 2, 8.6, 128.0), (2008, 4, 13, 1, 2, 8.64, 127.71)]
    names = HEADER.split(",")[:7]
    (tmp_path / "t.csv").write_text(
        "\n".join([HEADER, *(",".join(map(str, row)) + ",1006,0,0,0,0" for row in rows)])
    )
    (tmp_path / "rows.json").write_text(
        json.dumps([dict(zip(names, row, strict=True)) for row in rows])
    )
    (tmp_path / "columns.json").write_text(
        json.dumps(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))
    )
    expected = best_tracks.read(write(tmp_path / "t.tsv", *rows))
    assert expected.index.tolist() == pd.date_range("2008-04-13", periods=2, freq="h").tolist()
    assert expected.longitude.tolist() == [128.0, 127.71]
    for name in ("t.csv", "rows.json", "columns.json"):
        pd.testing.assert_frame_equal(best_tracks.read(tmp_path / name), expected)


@pytest.mark.parametrize("kind", ["csv", "nc"])
def test_ibtracs_is_read_as_published(tmp_path, kind):
    tracks = best_tracks.read_ibtracs(track_files.write(tmp_path / f"ibtracs.{kind}"))
    assert list(tracks) == [track_files.HAIYAN, track_files.ACROSS, track_files.SPUR]
    haiyan = tracks[track_files.HAIYAN]
    assert haiyan.index.tolist() == pd.date_range("2013-11-07", periods=3, freq="3h").tolist()
    np.testing.assert_allclose(haiyan.latitude, [8.7, 9.1, 9.7], atol=1e-5)
    # Written as -178.5; IBTrACS counts on beyond 180 for other storms.
    np.testing.assert_allclose(tracks[track_files.ACROSS].longitude, [179.5, 181.5], atol=1e-5)
    assert [track.attrs["spur"] for track in tracks.values()] == [False, False, True]


def test_both_files_of_ibtracs_say_the_same(tmp_path):
    csv, netcdf = (
        best_tracks.read_ibtracs(track_files.write(tmp_path / f"ibtracs.{kind}"))
        for kind in ("csv", "nc")
    )
    for storm, track in csv.items():
        pd.testing.assert_frame_equal(netcdf[storm], track, atol=1e-5, check_index_type=False)


@pytest.mark.parametrize(
    ("name", "text"), [("t.csv", "a,b\n1,2\n"), ("t.csv", ""), ("t.nc", "nothing")]
)
def test_what_is_no_ibtracs_is_refused(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=rf"t\.{name[2:]}: .*(download|copy) it again"):
        best_tracks.read_ibtracs(tmp_path / name)
    with pytest.raises(ValueError, match="no such file"):
        best_tracks.read_ibtracs(tmp_path / "nowhere.csv")


def test_the_real_tracks_are_hourly_and_without_gaps():
    for storm in ("198702", "200717"):
        track = best_tracks.read(archive_files.real("digital_typhoon", "jma", f"{storm}.tsv"))
        assert (np.diff(track.index) == np.timedelta64(1, "h")).all()
