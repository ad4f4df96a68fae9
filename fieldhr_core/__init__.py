"""fieldhr: visits, alerts, scores and decisions with evidence, for field salespeople in finance."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fieldhr_core.errors import FieldhrError
    from fieldhr_core.hooks.specs import hookimpl
    from fieldhr_core.runtime import FieldHR

__all__ = ["FieldHR", "FieldhrError", "hookimpl"]

#: Public name -> module it lives in. Looked up at first use, so that a plugin that only wants ``hookimpl`` does not pay
#: for the runtime at its import.
_HOMES = {
    "FieldHR": "fieldhr_core.runtime",
    "FieldhrError": "fieldhr_core.errors",
    "hookimpl": "fieldhr_core.hooks.specs",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
