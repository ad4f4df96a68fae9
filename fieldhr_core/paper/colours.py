"""The colours by name: for light screens, dark screens and paper.

Every pair that is read as text on its ground reaches a contrast of 4.5 in each of the three (a test measures it).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

__all__ = ["DARK", "LIGHT", "PAPER", "declared", "literal"]

LIGHT: Final[Mapping[str, str]] = {
    "paper": "#ffffff", "ink": "#16191d", "soft": "#59626d", "line": "#e1e5ea", "faint": "#f4f6f8", "edge": "#7b8591",
    "way": "#2f5f9e", "way-tint": "#dfe9f5", "two": "#8a5a00", "three": "#6c4a8e",
    "at": "#0a6b4c", "at-tint": "#d8ede4", "away": "#b0420b", "away-tint": "#fae3d4",
    "unknown": "#5f6873", "unknown-tint": "#eceff2", "alarm": "#a3182b", "alarm-tint": "#fbe3e5", "on": "#ffffff",
}  # fmt: skip
DARK: Final[Mapping[str, str]] = {
    "paper": "#14171b", "ink": "#e8ebee", "soft": "#9aa4af", "line": "#2c323a", "faint": "#1b2026", "edge": "#78828d",
    "way": "#7fb0ec", "way-tint": "#1d2f45", "two": "#e0b45c", "three": "#bfa0e3",
    "at": "#55c79b", "at-tint": "#173a2e", "away": "#f59b63", "away-tint": "#4a2a16",
    "unknown": "#a3adb8", "unknown-tint": "#262c33", "alarm": "#ff9aa2", "alarm-tint": "#4a1c22", "on": "#10130f",
}  # fmt: skip
PAPER: Final[Mapping[str, str]] = {
    "paper": "#ffffff", "ink": "#000000", "soft": "#444444", "line": "#cccccc", "faint": "#f4f4f4", "edge": "#777777",
    "way": "#1d4a86", "way-tint": "#dfe9f5", "two": "#7a4f00", "three": "#5c3d7a",
    "at": "#0a6b4c", "at-tint": "#d8ede4", "away": "#a63c06", "away-tint": "#fae3d4",
    "unknown": "#555555", "unknown-tint": "#eeeeee", "alarm": "#96101f", "alarm-tint": "#fbe3e5", "on": "#ffffff",
}  # fmt: skip


def declared(selector: str = ":root") -> str:
    """Return the colours as variables of *selector*, for light, dark and print.

    A host sets ``--fieldhr-way`` and so on to put its own in their place; ``data-theme="light"`` or ``"dark"`` on the
    element (or on the root) chooses for the reader, who otherwise gets what their system says.
    """
    dark = _block(DARK)
    return (
        f"{selector}{{color-scheme:light dark;{_block(LIGHT)}}}"
        f"@media (prefers-color-scheme: dark){{{_which(selector, ':not([data-theme=light])')}{{{dark}}}}}"
        f"{_which(selector, '[data-theme=dark]')}{{color-scheme:dark;{dark}}}"
        f"{_which(selector, '[data-theme=light]')}{{color-scheme:light}}"
        f"@media print{{{_which(selector, ':not(x)')}{{color-scheme:light;{_block(PAPER)}}}}}\n"
    )


def _which(selector: str, condition: str) -> str:
    return f":host({condition})" if selector == ":host" else f"{selector}{condition}"


def _block(colours: Mapping[str, str]) -> str:
    return "".join(f"--{name}:var(--fieldhr-{name},{colour});" for name, colour in colours.items())


def literal(css: str) -> str:
    """Return *css* with the colours of paper written out."""
    return re.sub(r"var\(--([a-z-]+)\)", lambda found: PAPER[found[1]], css)
