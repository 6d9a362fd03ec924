"""Forecasts for people: what is needed to issue one, the ensemble, and the file that it becomes."""
