"""Text that is HTML already, and text that is not yet."""

from __future__ import annotations

from html import escape

__all__ = ["Markup", "escaped", "joined"]


class Markup(str):
    """Finished HTML or SVG: template engines that know ``__html__`` put it in as it is."""

    __slots__ = ()

    def __html__(self) -> str:
        """Return itself: it is escaped where it has to be."""
        return self


def escaped(value: object) -> Markup:
    """Return *value* as HTML: finished markup as it is, ``None`` as nothing, everything else escaped."""
    if value is None:
        return Markup()
    finished = getattr(value, "__html__", None)
    return Markup(finished() if finished is not None else escape(str(value)))


def joined(*parts: object) -> Markup:
    """Return *parts* one after the other, each escaped where it is not finished markup."""
    return Markup("".join(escaped(part) for part in parts))
