"""A value computed from what is already there, without a call."""
