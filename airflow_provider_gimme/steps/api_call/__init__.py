"""One HTTP call."""
