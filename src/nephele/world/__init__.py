"""The synthetic world: environment, storm, clouds, interventions, and the archive they fill."""
