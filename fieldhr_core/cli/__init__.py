"""The command line: ``fieldhr``."""
