"""A choice between steps."""
