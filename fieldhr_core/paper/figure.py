"""A drawing with its table: whoever does not see the one reads the other."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from fieldhr_core.paper.markup import Markup, escaped

__all__ = ["Cell", "Figure", "table"]


@attrs.frozen
class Cell:
    """A cell that is more than a text: a number (right-aligned), a time (not wrapped), the head of its row."""

    content: object
    kind: str = ""
    heads_row: bool = False


def table(
    head: Sequence[object], rows: Sequence[Sequence[object]], *, caption: str = "", kind: str = "", label: str = ""
) -> Markup:
    """Return a table that may be wider than the page: its frame scrolls, by keyboard too.

    Args:
        head: headings of the columns; a :class:`Cell` gives its column's class to all cells of the column.
        rows: cells, each a text, finished markup or a :class:`Cell`.
        caption: what the table is, shown.
        kind: class of the table.
        label: name of the scrolling frame for screen readers where there is no caption.
    """
    kinds = [cell.kind if isinstance(cell, Cell) else "" for cell in head]
    heading = "".join(f'<th scope="col"{_look(k)}>{_content(c)}</th>' for c, k in zip(head, kinds, strict=True))
    body = "".join(f"<tr>{''.join(_cell(c, k) for c, k in zip(row, kinds, strict=True))}</tr>" for row in rows)
    name = escaped(label or caption)
    frame = f' role="group" tabindex="0" aria-label="{name}"' if name else ""
    above = f"<caption>{escaped(caption)}</caption>" if caption else ""
    return Markup(
        f'<div class="scroll"{frame}><table{_look(kind)}>{above}'
        f"<thead><tr>{heading}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cell(cell: object, kind: str) -> str:
    if isinstance(cell, Cell):
        look = " ".join(each for each in (kind, cell.kind) if each)
        if cell.heads_row:
            return f'<th scope="row"{_look(look)}>{escaped(cell.content)}</th>'
        return f"<td{_look(look)}>{escaped(cell.content)}</td>"
    return f"<td{_look(kind)}>{escaped(cell)}</td>"


def _content(cell: object) -> Markup:
    return escaped(cell.content if isinstance(cell, Cell) else cell)


def _look(kind: str) -> str:
    return f' class="{kind}"' if kind else ""


@attrs.frozen(kw_only=True)
class Figure:
    """A drawing, a line below it, and its table behind a summary that says what opens."""

    drawing: Markup
    head: Sequence[object]
    rows: Sequence[Sequence[object]]
    summary: str
    note: str = ""

    def __html__(self) -> str:
        """Return the figure as HTML."""
        note = f"<figcaption>{escaped(self.note)}</figcaption>" if self.note else ""
        behind = table(self.head, self.rows, label=self.summary)
        return (
            f'<figure>{self.drawing}{note}<details class="behind"><summary>{escaped(self.summary)}</summary>'
            f"{behind}</details></figure>"
        )
