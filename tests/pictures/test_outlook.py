import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from nephele.fields import grid
from nephele.pictures import outlook, palette
from nephele.pictures.outlook import PROBABILITY, SPREAD, Layout
from nephele.products.dataset import labelled
from nephele.products.initial import Past

SIZE, MEMBERS, LEADS = 64, 5, (3, 6, 9)


@pytest.fixture
def forecast():
    rng = np.random.default_rng(0)
    past = Past(
        storm="S0001",
        times=pd.date_range("2030-09-01", periods=4, freq="3h"),
        brightness=rng.uniform(200, 300, (4, SIZE, SIZE)),
        points=grid.centres(SIZE, 20e3),
        latitude=np.full(4, 15.0),
        longitude=np.full(4, 140.0),
        filled=0.0,
        provenance={},
    )
    ensemble = rng.uniform(200, 300, (MEMBERS, len(LEADS), SIZE, SIZE))
    return labelled(past, ensemble, LEADS, {"synthetic": 1})


def seen(picture: bytes, frame: int) -> np.ndarray:
    image = Image.open(io.BytesIO(picture))
    image.seek(frame)
    return np.asarray(image.convert("RGB"))


def field(pixels: np.ndarray, place: tuple[int, int], zoom: int) -> np.ndarray:
    """A field of the picture at the resolution of the data, y northward."""
    top, left = place
    return pixels[top : top + zoom * SIZE : zoom, left : left + zoom * SIZE : zoom][::-1]


def colours(kelvin) -> np.ndarray:
    return palette.levels(121)[palette.indices(kelvin, 121)]


def test_every_frame_shows_the_fields_of_its_lead_time(forecast):
    picture, layout = outlook.animation(forecast), Layout(SIZE, MEMBERS)
    for lead in range(len(LEADS)):
        pixels = seen(picture, lead)
        observed, mean = (field(pixels, layout.panel(column), 4) for column in (0, 1))
        assert (observed == colours(forecast.observed_brightness_temperature.values[-1])).all()
        assert (mean == colours(forecast.ensemble_mean.values[lead])).all()
        for place, member in zip(layout.stamps(), forecast.brightness_temperature, strict=True):
            assert (field(pixels, place, 2) == colours(member.values[lead])).all()


def test_spread_and_probability_have_one_colour_a_value(forecast):
    picture, layout = outlook.animation(forecast), Layout(SIZE, MEMBERS)
    pixels = seen(picture, 1)
    for column, scale, name in (
        (2, SPREAD, "ensemble_spread"),
        (3, PROBABILITY, "probability_of_cold_cloud"),
    ):
        shown = field(pixels, layout.panel(column), 4).reshape(-1, 3)
        level = scale.indices(forecast[name].values[1]).ravel()
        for one in np.unique(level):
            assert len(np.unique(shown[level == one], axis=0)) == 1
        assert len(np.unique(shown, axis=0)) == len(np.unique(level))


def test_the_past_is_played_after_the_forecast_with_the_rest_empty(forecast):
    picture, layout = outlook.animation(forecast), Layout(SIZE, MEMBERS)
    assert Image.open(io.BytesIO(picture)).n_frames == len(LEADS) + 4
    for step in range(4):
        pixels = seen(picture, len(LEADS) + step)
        observed = field(pixels, layout.panel(0), 4)
        assert (observed == colours(forecast.observed_brightness_temperature.values[step])).all()
        empty = [field(pixels, layout.panel(column), 4) for column in (1, 2, 3)]
        empty += [field(pixels, place, 2) for place in layout.stamps()]
        assert all(len(np.unique(one.reshape(-1, 3), axis=0)) == 1 for one in empty)


def test_synthetic_is_said_where_it_is_and_nowhere_else(forecast):
    said = seen(outlook.still(forecast, 0), 0)
    measured = seen(outlook.still(forecast.assign_attrs(synthetic=0), 0), 0)
    changed = (said != measured).any(axis=-1)
    assert changed[40:60].any()
    assert not changed[60:].any()


def test_a_scales_colours_run_from_its_lowest_to_its_highest_value():
    levels = SPREAD.indices(np.array([-1.0, 0.0, 12.5, 25.0, 99.0]))
    assert levels.tolist() == [121, 121, 146, 171, 171]
    assert PROBABILITY.indices(np.array([0.0, 0.5, 1.0])).tolist() == [172, 192, 212]


@pytest.mark.parametrize("members", [2, 16])
@pytest.mark.parametrize("cells", [32, 48, 64, 128, 256])
def test_all_pictures_fit_on_the_sheet(cells, members):
    layout = Layout(cells, members)
    for top, left in layout.stamps():
        assert left + layout.stamp <= layout.width
        assert top + layout.stamp <= layout.height


def test_the_same_forecast_gives_the_same_bytes(forecast):
    assert outlook.animation(forecast) == outlook.animation(forecast)
