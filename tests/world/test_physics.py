"""The storm's balance, the wind's paths and the climate it lives in, against closed forms."""

import numpy as np
import pytest

from nephele.world import climatology, texture
from nephele.world.storm import AIR_DENSITY, pressure_drop, tangential_wind
from nephele.world.wind import FARTHEST, SPACING, Wind

RADII = np.arange(0.0, FARTHEST, SPACING)


def steady(turning=0.0, spreading=0.0, shear=(0.0, 0.0)):
    return Wind(
        RADII, np.full_like(RADII, turning), np.full_like(RADII, spreading), np.array(shear)
    )


def test_swirl_pressure_and_coriolis_force_balance():
    radius = np.linspace(30e3, 800e3, 4000)
    wind = tangential_wind(radius, 5000.0, 45e3, 18.0)
    slope = np.gradient(-pressure_drop(radius, 5000.0, 45e3), radius)
    balance = wind**2 / radius + climatology.coriolis(18.0) * wind
    np.testing.assert_allclose(balance[5:-5], slope[5:-5] / AIR_DENSITY, rtol=2e-3)


def test_air_in_solid_rotation_was_a_turn_ago_where_it_is():
    where = np.array([[300e3 + 0j, 1j * 500e3]], np.complex64)
    turning = 2 * np.pi / (6 * 3600)
    np.testing.assert_allclose(steady(turning=turning).departures(where, 6.0), where, rtol=1e-3)
    quarter = steady(turning=turning).departures(where, 1.5)
    np.testing.assert_allclose(quarter, -1j * where, atol=500.0)  # it turns anticlockwise


def test_outflow_leaves_the_direction_and_grows_exponentially():
    where = np.array([[200e3 + 200e3j]], np.complex64)
    before = steady(spreading=1e-5).departures(where, 3.0)
    np.testing.assert_allclose(before, where * np.exp(-1e-5 * 3 * 3600), rtol=2e-3)


def test_shear_alone_is_a_straight_line():
    where = np.array([[50e3 + 10e3j]], np.complex64)
    before = steady(shear=(10.0, -5.0)).departures(where, 2.0)
    np.testing.assert_allclose(before, where - 2 * 3600 * (10 - 5j), rtol=1e-5)


def test_steering_is_the_geostrophic_wind_of_the_mean_geopotential():
    latitude, step = 20.0, 0.01
    z = climatology.mean_fields(np.array([latitude - step, latitude + step]), np.array(140.0))["z"]
    slope = np.diff(z)[0] / (2 * step * climatology.METRES_PER_DEGREE)
    east, north = climatology.steering(latitude, anomaly=0.0)
    assert east == pytest.approx(-slope / climatology.coriolis(latitude), rel=1e-3)
    assert east < 0  # easterly south of the ridge
    assert north == 0


@pytest.mark.parametrize(
    ("place", "land"),
    [((30.0, 112.0), True), ((36.0, 138.0), True), ((16.5, 121.3), True), ((20.0, 140.0), False)],
)
def test_wuhan_nagano_and_luzon_are_land_and_the_philippine_sea_is_not(place, land):
    assert bool(climatology.is_land(*place)) is land


def test_random_structure_has_unit_variance_and_the_slope_asked_for():
    wavenumber = texture.wavenumbers(256, 10e3)
    amplitudes = texture.red_amplitudes(wavenumber, largest=800e3, slope=3.0)
    random = np.random.default_rng(0)
    fields = np.stack([texture.field(texture.noise(random, amplitudes)) for _ in range(60)])
    assert fields.var() == pytest.approx(1.0, abs=0.1)

    power = (np.abs(np.fft.rfft2(fields)) ** 2).mean(0)
    chosen = (wavenumber > 1e-5) & (wavenumber < 4e-5)  # wavelengths of 100 to 25 km
    slope = np.polyfit(np.log(wavenumber[chosen]), np.log(power[chosen]), 1)[0]
    assert slope == pytest.approx(-3.0, abs=0.05)
