"""A pause, for a time or until a moment."""
