"""The stage `export_causal_matrix`."""
