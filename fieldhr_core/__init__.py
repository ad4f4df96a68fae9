"""fieldhr: visits, alerts, scores and decisions with evidence, for field salespeople in finance."""

from fieldhr_core.errors import FieldhrError
from fieldhr_core.hooks.specs import hookimpl
from fieldhr_core.runtime import FieldHR

__all__ = ["FieldHR", "FieldhrError", "hookimpl"]
