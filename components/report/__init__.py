"""Everything that a run found, on one page and in one run of MLflow."""
