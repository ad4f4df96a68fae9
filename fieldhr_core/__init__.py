"""fieldhr: visits, alerts, scores and decisions with evidence, for field salespeople in finance."""

from fieldhr_core.hooks import hookimpl

__all__ = ["hookimpl"]
