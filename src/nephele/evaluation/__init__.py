"""Evidence: scores, baselines, bootstrap, the ledger, alignment, causal effects."""
