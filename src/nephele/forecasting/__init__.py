"""From trained networks to forecasts in K: samplers, ensembles, roll-out."""
