import dataclasses
import io

import numpy as np
import pytest
from PIL import Image

from nephele.pictures import palette
from nephele.pictures.animations import GAP, HEADER, TITLE, Forecast, animation, film_strip

SIDE = 64


@pytest.fixture
def forecast():
    rng = np.random.default_rng(0)

    def frames(*shape):
        return rng.uniform(200, 300, (*shape, SIDE, SIDE))

    past = frames(4)
    return Forecast(
        storm="SYN-001",
        network="student",
        init_time=np.datetime64("2007-10-04T06:00:00", "ns"),
        past_hours=[-9.0, -6.0, -3.0, 0.0],
        past=past,
        lead_hours=[3.0 * step for step in range(1, 9)],
        truth=frames(8),
        mean=frames(8),
        members=frames(2, 8),
        persistence=np.repeat(past[-1:], 8, axis=0),
        label="SYNTHETIC",
    )


def panels(picture: bytes, frame: int):
    """The six panels of an animation as RGB, at the resolution of the data, north up."""
    image = Image.open(io.BytesIO(picture))
    image.seek(frame)
    pixels = np.asarray(image.convert("RGB"))
    zoom, side = 256 // SIDE, 256
    for row in range(2):
        for column in range(3):
            top = HEADER + TITLE + row * (TITLE + side + GAP)
            left = GAP + column * (side + GAP)
            yield pixels[top : top + side : zoom, left : left + side : zoom]


def colours(kelvin):
    return palette.levels(121)[palette.indices(kelvin, 121)]


def test_every_frame_of_the_animation_shows_the_fields_of_its_lead_time(forecast):
    picture = animation(forecast)

    for lead in range(8):
        past, truth, persistence, mean, first, second = panels(picture, lead)
        assert (past == colours(forecast.past[-1])[::-1]).all()
        assert (truth == colours(forecast.truth[lead])[::-1]).all()
        assert (persistence == past).all()
        assert (mean == colours(forecast.mean[lead])[::-1]).all()
        assert (first == colours(forecast.members[0, lead])[::-1]).all()
        assert (second == colours(forecast.members[1, lead])[::-1]).all()


def test_the_past_is_played_after_the_forecast_with_the_other_panels_empty(forecast):
    picture = animation(forecast)

    assert Image.open(io.BytesIO(picture)).n_frames == 8 + 4
    for step in range(4):
        past, *others = panels(picture, 8 + step)
        assert (past == colours(forecast.past[step])[::-1]).all()
        assert all(len(np.unique(other.reshape(-1, 3), axis=0)) == 1 for other in others)


def test_the_same_forecast_gives_the_same_bytes(forecast):
    assert animation(forecast) == animation(forecast)
    assert film_strip(forecast) == film_strip(forecast)


def test_an_animation_of_full_size_frames_of_pure_noise_stays_under_a_megabyte_and_a_half(forecast):
    rng = np.random.default_rng(1)
    # Real frames are smoother than noise over 50 K, so they take less.
    full = {
        name: rng.uniform(230, 280, (*np.shape(getattr(forecast, name))[:-2], 128, 128))
        for name in ("past", "truth", "mean", "members", "persistence")
    }

    assert len(animation(dataclasses.replace(forecast, **full))) < 1.5e6


def test_the_film_strip_ends_with_the_last_lead_time(forecast):
    strip = np.asarray(Image.open(io.BytesIO(film_strip(forecast))).convert("RGB"))
    top, left = HEADER + TITLE, GAP + 3 * (256 + GAP)

    panel = strip[top : top + 256 : 4, left : left + 256 : 4]

    assert (panel == colours(forecast.truth[-1])[::-1]).all()
