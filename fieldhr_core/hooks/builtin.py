"""The built-in plugins by module path, so that frozen or vendored copies without metadata still find them.

Mirrors the entry points of this distribution; a test compares the two.
"""

from __future__ import annotations

from typing import Final

__all__ = ["BUILTIN"]

#: entry point name -> module path.
BUILTIN: Final[dict[str, str]] = {
    "phones": "fieldhr_plugins.phones",
    "places": "fieldhr_plugins.places",
    "baselines": "fieldhr_plugins.baselines",
    "crm_files": "fieldhr_plugins.crm_files",
    "scorecards": "fieldhr_plugins.scorecards",
    "behaviour": "fieldhr_plugins.behaviour",
    "channels": "fieldhr_plugins.channels",
    "conduct": "fieldhr_plugins.conduct",
    "sandbox": "fieldhr_sandbox.commands",
}
