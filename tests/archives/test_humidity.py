import numpy as np
import pytest
import xarray as xr

from nephele.archives import humidity

RATIO = 0.62198  # of the molar masses of water and dry air


def kelvin(*celsius):
    return xr.DataArray(np.array(celsius) + 273.15, dims="x")


@pytest.mark.parametrize(
    ("celsius", "pascal"),
    # Over water, then over ice: the tables of the World Meteorological Organization (WMO 188),
    # which come from Goff and Gratch, not from this formula.
    [(30, 4243.0), (20, 2337.3), (10, 1227.2), (-30, 38.0), (-40, 12.83), (-60, 1.080)],
)
def test_saturation_is_that_of_the_tables(celsius, pascal):
    assert humidity.saturation(kelvin(celsius)).item() == pytest.approx(pascal, rel=0.003)


def test_water_and_ice_meet_at_the_triple_point_and_mix_with_the_square_below():
    half_way = (273.16 + 250.16) / 2
    water = 611.21 * np.exp(17.502 * (half_way - 273.16) / (half_way - 32.19))
    ice = 611.21 * np.exp(22.587 * (half_way - 273.16) / (half_way + 0.7))
    found = humidity.saturation(xr.DataArray([273.16, half_way, 250.16, 250.15], dims="x"))
    assert found[0].item() == pytest.approx(611.21)
    assert found[1].item() == pytest.approx(water / 4 + 3 * ice / 4)
    assert found[2].item() == pytest.approx(found[3].item(), rel=2e-3)


@pytest.mark.parametrize("level", [1000, 850, 200])
def test_humidity_is_the_share_of_the_vapour_that_saturates(level):
    temperature = kelvin(25, 5, -10, -50)
    for share in (0.0, 0.5, 1.0, 1.2):
        vapour = share * humidity.saturation(temperature)
        # Vapour and dry air share the pressure: q = m_v e / (m_v e + m_d (p - e)).
        specific = RATIO * vapour / (RATIO * vapour + 100 * level - vapour)
        found = humidity.relative(temperature, specific, level)
        np.testing.assert_allclose(found, 100 * share, rtol=1e-4, atol=1e-9)
