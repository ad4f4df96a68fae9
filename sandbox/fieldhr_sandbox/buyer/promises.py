"""What the product has promised: rows A1 to I6, one short line each, in the languages of the report."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from importlib.resources import files

__all__ = ["promises"]


@functools.cache
def promises() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """Return area (``A``) -> ``title`` and rows (``A1``) -> language -> text."""
    text = files("fieldhr_sandbox").joinpath("data/requirements.toml").read_text("utf-8")
    found: Mapping[str, Mapping[str, Mapping[str, str]]] = tomllib.loads(text)
    return found
