"""The stage `evaluate_tsne`."""
