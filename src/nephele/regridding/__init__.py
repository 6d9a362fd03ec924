"""Weights, their application to masked fields, and nothing that knows a file."""
