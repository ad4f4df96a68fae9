"""The command line: ``fieldhr``."""

from fieldhr_core.cli.dispatch import main

__all__ = ["main"]
