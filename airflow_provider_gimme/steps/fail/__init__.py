"""A failure on purpose."""
