"""Forecasts of a typhoon's cloud field by a network that learnt from ERA5 and does without."""
