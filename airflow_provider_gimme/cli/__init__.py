"""The command line: ``gimme``."""
