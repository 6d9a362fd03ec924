"""The network of teacher and student: backbone, encoders, cross-modal attention, causal effects."""
