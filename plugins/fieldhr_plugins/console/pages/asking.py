"""What a page is asked and what it answers: values without a web framework, for any host to put in its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import attrs

from fieldhr_core.model import Principal
from fieldhr_core.paper.markup import Markup
from fieldhr_plugins.console.pages.speech import Speech
from fieldhr_plugins.console.settings import ConsoleSettings

if TYPE_CHECKING:
    from fieldhr_core import FieldHR
    from fieldhr_core.flow.desk import Desk
    from fieldhr_core.paper.tiles import Tiles

__all__ = ["Answer", "Asked", "tiles_of"]


@attrs.frozen(kw_only=True)
class Asked:
    """A request as a page sees it.

    Attributes:
        path: below the root of the pages (``/alerts``).
        query: of the address, last value of each name; form: of the body, where there is one.
        root: what stands before every address of ours.
        token: goes along in every form.
        theme: ``light``, ``dark`` or empty: what the reader's system says; density: ``compact`` or empty.
        links: (title, address) of other applications of the site.
        hr: the runtime, for pages about the system itself.
    """

    path: str
    principal: Principal
    query: Mapping[str, str] = attrs.field(factory=dict)
    form: Mapping[str, str] = attrs.field(factory=dict)
    root: str = ""
    speech: Speech = attrs.field(factory=Speech)
    token: str = ""
    theme: str = ""
    density: str = ""
    links: Sequence[tuple[str, str]] = ()
    hr: FieldHR | None = None
    logout: str = ""

    def url(self, *parts: str, **query: object) -> str:
        """Return an address of a page; parts are escaped, what is empty is left out of the query."""
        path = "/".join(quote(part, safe="") for part in parts)
        rest = urlencode({name: value for name, value in query.items() if value not in ("", None)})
        return f"{self.root}/{path}" + (f"?{rest}" if rest else "")

    def here(self, **changes: object) -> str:
        """Return the address of this page with parts of its query changed; an empty value takes one away."""
        query = {**self.query, **{name: str(value) for name, value in changes.items()}}
        rest = urlencode({name: value for name, value in query.items() if value != ""})
        return f"{self.root}{quote(self.path)}" + (f"?{rest}" if rest else "")


@attrs.frozen(kw_only=True)
class Answer:
    """A page without its frame.

    Attributes:
        title: of the window and of the page.
        body: finished HTML, without the heading.
        sub: what stands beside the heading.
        status: of HTTP.
        location: where to go instead, after a form.
        simulated: whether what it shows comes from a synthetic tenant.
        download: (name, media type, bytes) in place of a page.
        pictures_from: scheme and host of the one other site that pictures of the page come from; empty: none.
    """

    title: str = ""
    body: Markup = attrs.field(factory=Markup)
    sub: Markup | str = ""
    status: int = 200
    location: str = ""
    simulated: bool = False
    download: tuple[str, str, bytes] | None = None
    pictures_from: str = ""
    values: Mapping[str, Any] = attrs.field(factory=dict)


def tiles_of(desk: Desk) -> Tiles | None:
    """Return the tenant's source of map tiles; ``None`` where it set none: then no other host is asked for anything."""
    set_by_tenant: ConsoleSettings | None = desk.boards.settings_of("fieldhr.console")
    return None if set_by_tenant is None else set_by_tenant.tiles()
