"""The contract: variables, units, grids and times that every other room relies on."""
