import numpy as np
import pandas as pd
import pytest

from components.acquire import needs
from nephele.archives import best_tracks
from nephele.archives.digital_typhoon import CELL, SIZE
from nephele.downloads.parts import GRID
from nephele.fields import grid

TIMES = pd.to_datetime(["2013-11-05 01:00", "2013-11-05 06:00", "2013-11-06 12:00"])


def track(latitudes, longitudes):
    return pd.DataFrame({"latitude": latitudes, "longitude": longitudes}, index=TIMES)


@pytest.mark.parametrize(
    "path",
    [
        track([8.0, 9.0, 14.0], [150.0, 148.0, 131.0]),
        track([-12.0, -14.0, -21.0], [60.0, 61.0, 66.0]),
        track([30.0, 31.0, 45.0], [175.0, 178.0, 190.0]),  # over the date line, far north
    ],
    ids=["north", "south", "date line"],
)
def test_the_area_encloses_every_pixel_of_every_frame_and_hardly_more(path):
    need = needs.of("a storm", path, 3)
    centres = best_tracks.at(path, pd.date_range(TIMES[0], TIMES[-1], freq="h"))
    edges = grid.edges(grid.centres(SIZE, CELL))
    latitude, longitude = grid.positions(
        edges, edges, centres.latitude.to_numpy(), centres.longitude.to_numpy()
    )
    area = need.area
    for low, values, high in (
        (area.south, latitude, area.north),
        (area.west, longitude, area.east),
    ):
        assert low <= values.min() < low + 1.01 * GRID
        assert high - 1.01 * GRID < values.max() <= high
    assert all(side % GRID == 0 for side in (area.north, area.west, area.south, area.east))


@pytest.mark.parametrize("hours", [1, 2, 3, 4, 6])
def test_every_frame_has_a_field_at_or_before_it(hours):
    need = needs.of("a storm", track([8.0, 9.0, 14.0], [150.0, 148.0, 131.0]), hours)
    frames, fields = pd.DatetimeIndex(need.frames), pd.DatetimeIndex(need.fields)
    assert frames[0] == pd.Timestamp("2013-11-05 03:00")
    assert frames[-1] == pd.Timestamp("2013-11-06 12:00")
    assert set(np.diff(frames)) == {np.timedelta64(3, "h")}
    ages = [frame - fields[fields <= frame][-1] for frame in (*frames, *TIMES)]
    assert max(ages) < pd.Timedelta(hours=hours)
