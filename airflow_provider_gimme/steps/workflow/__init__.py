"""A run of another workflow, and its outputs."""
