import numpy as np
import pandas as pd
import pytest

from nephele.archives import best_tracks


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
def test_what_is_no_best_track_is_refused(tmp_path, text):
    (tmp_path / "t.tsv").write_text(text)
    with pytest.raises(ValueError, match=r"t\.tsv: .*replace the file"):
        best_tracks.read(tmp_path / "t.tsv")
