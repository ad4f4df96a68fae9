"""The built-in plugins by module path, so that frozen or vendored copies without metadata still find them.

Mirrors the entry points of this distribution; a test compares the two.
"""

from __future__ import annotations

from typing import Final

__all__ = ["BUILTIN", "BUILTIN_COMMANDS"]

#: entry point name -> module path.
BUILTIN: Final[dict[str, str]] = {
    "phones": "fieldhr_plugins.phones",
    "places": "fieldhr_plugins.places",
    "baselines": "fieldhr_plugins.baselines",
    "crm_files": "fieldhr_plugins.crm_files",
    "crm_sql": "fieldhr_plugins.crm_sql",
    "crm_rest": "fieldhr_plugins.crm_rest",
    "crm_tryton": "fieldhr_plugins.crm_tryton",
    "scorecards": "fieldhr_plugins.scorecards",
    "behaviour": "fieldhr_plugins.behaviour",
    "channels": "fieldhr_plugins.channels",
    "console": "fieldhr_plugins.console",
    "conduct": "fieldhr_plugins.conduct",
    "credit": "fieldhr_plugins.credit",
    "records": "fieldhr_plugins.records",
    "screening": "fieldhr_plugins.screening",
    "sandbox": "fieldhr_sandbox.commands",
}

#: first word of a command -> (what it is about, entry point names of the plugins that add to it): which built-in
#: plugins to import for a command, and what to say about it without importing any.
BUILTIN_COMMANDS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "conduct": ("what may not be said when selling", ("conduct",)),
    "credit": ("borrowers' statements: scores with reasons", ("credit",)),
    "customers": ("customer records from other systems", ("crm_files",)),
    "places": ("stays, visits and daily reports from positions", ("phones", "places")),
    "positions": ("positions from phones, trackers and files", ("phones",)),
    "serve": ("console, phone page and HTTP interface", ("console",)),
    "scores": ("scorecards and appraisal reports", ("scorecards",)),
    "screening": ("names and numbers against lists", ("screening",)),
    "trial": ("a synthetic tenant, and the marks the product earns on it", ("sandbox",)),
}
