"""Relative humidity where an archive has temperature and specific humidity instead.

As ECMWF's model defines it (IFS Documentation CY47R3, Part IV: Physical Processes, chapter 12):
with respect to saturation over water above 0 °C, over ice below -23 °C, and in between to a
mixture of both whose share of water is the square of the way from one to the other.
"""

import numpy as np
import xarray as xr

# e = a1 exp(a3 (t - t0) / (t - a4)): the constants of Buck (1981) for water, of Alduchov and
# Eskridge (1996) for ice.
A1 = 611.21  # Pa
WATER = (17.502, 32.19)  # a3; a4, K
ICE = (22.587, -0.7)
T0, T_ICE = 273.16, 250.16  # K
EPSILON = 18.0153 / 28.9644  # molar mass of water over that of dry air


def relative(temperature: xr.DataArray, specific: xr.DataArray, level: int) -> xr.DataArray:
    """Relative humidity, %, at `level`, hPa, from K and kg/kg."""
    t, q = temperature.astype(np.float64), specific.astype(np.float64)
    vapour = 100.0 * level * q / (EPSILON + (1 - EPSILON) * q)
    return 100.0 * vapour / saturation(t)


def saturation(temperature: xr.DataArray) -> xr.DataArray:
    """Saturation vapour pressure, Pa, of the mixed phase at `temperature`, K."""
    water = ((temperature - T_ICE) / (T0 - T_ICE)).clip(0, 1) ** 2
    return water * _over(temperature, *WATER) + (1 - water) * _over(temperature, *ICE)


def _over(temperature: xr.DataArray, a3: float, a4: float) -> xr.DataArray:
    return A1 * xr.apply_ufunc(np.exp, a3 * (temperature - T0) / (temperature - a4))
