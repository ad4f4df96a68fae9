"""The frame round a page in three forms: a page of its own, a fragment, a fragment that no host's style can reach."""

from __future__ import annotations

import functools
import hashlib
import re
from html import escape
from importlib.resources import files
from typing import Any

from fieldhr_core import paper
from fieldhr_core.errors import MissingDependencyError
from fieldhr_core.model import Role
from fieldhr_core.paper.markup import Markup
from fieldhr_plugins.console.pages import words
from fieldhr_plugins.console.pages.asking import Answer, Asked
from fieldhr_plugins.console.pages.speech import LANGUAGES

__all__ = ["environment", "fragment", "page", "pages_for", "script", "shadow", "stylesheet", "tag", "template"]


def N_(text: str) -> str:  # noqa: N802 - the name by which texts are collected
    """Mark a text for translation where it stands."""
    return text


_MANAGER, _ADMIN, _COMPLIANCE = Role.MANAGER, Role.ADMIN, Role.COMPLIANCE
#: Path -> title and the roles whose menu shows it. What a role may do there, the desk says.
_MENU: tuple[tuple[str, str, frozenset[Role]], ...] = (
    ("", N_("Team today"), frozenset({_MANAGER, _ADMIN})),
    ("alerts", N_("Alerts"), frozenset({_MANAGER, _ADMIN, _COMPLIANCE, Role.HR_PAYROLL})),
    ("scores", N_("Scorecards"), frozenset({_MANAGER, _ADMIN, Role.HR_PAYROLL})),
    ("messages", N_("Messages"), frozenset({_MANAGER, _ADMIN, _COMPLIANCE})),
    ("trends", N_("Trends"), frozenset({_MANAGER, _ADMIN, _COMPLIANCE, Role.HR_PAYROLL, Role.AUDITOR})),
    ("trust", N_("Trust"), frozenset({_ADMIN, _COMPLIANCE, Role.AUDITOR})),
    ("plugins", N_("Plugins"), frozenset({_ADMIN, Role.INTEGRATOR, Role.AUDITOR})),
    ("doctor", N_("Doctor"), frozenset({_ADMIN, Role.INTEGRATOR})),
)


def pages_for(asked: Asked) -> list[tuple[str, str]]:
    """Return (path, title) of the pages in somebody's menu, in order."""
    role = asked.principal.role
    mine = [(path, asked.speech.t(title)) for path, title, roles in _MENU if role in roles]
    if asked.principal.person is not None:
        mine.append(("me", asked.speech.t("My view")))
    return mine


@functools.cache
def stylesheet() -> str:
    """Return the style sheet of pages of their own."""
    return paper.stylesheet() + _text("console.css")


@functools.cache
def script() -> str:
    """Return the module that makes pages more comfortable."""
    return _text("console.js")


@functools.cache
def tag(name: str) -> str:
    """Return a short name of what a file holds, so that a new one is fetched and an old one is not."""
    body = stylesheet() if name.endswith(".css") else script()
    return hashlib.sha256(body.encode()).hexdigest()[:12]


@functools.lru_cache(32)
def environment(language: str) -> Any:
    """Return the templates in a language, whose texts come from the speech at hand."""
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError as cause:
        raise MissingDependencyError("jinja2", "console") from cause
    made = Environment(
        loader=PackageLoader("fieldhr_plugins.console.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals |= {"sign": paper.sign, "words": words, "language": language}
    return made


def template(name: str, asked: Asked, /, **values: object) -> Markup:
    """Return a template filled in; values are escaped by it."""
    speech = asked.speech
    made = environment(speech.language).get_template(name)
    shown: dict[str, object] = {"asked": asked, "speech": speech, "_": speech.t, "ngettext": speech.n, **values}
    return Markup(made.render(**shown))


def fragment(asked: Asked, answer: Answer) -> Markup:
    """Return a page's own part, to be put into a host's page that links our style sheet."""
    return _frame("inner.html.j2", asked, answer)


def shadow(asked: Asked, answer: Answer) -> Markup:
    """Return a page's part as a declarative shadow tree: no rule of the host's page reaches into it, nor out of it.

    It brings its style sheet as a link; colours follow ``--fieldhr-...`` variables set on any element above it.
    """
    style = escape(asked.url("shadow.css", v=tag("console.css")))
    look = _look(asked)
    return Markup(
        f'<div class="fieldhr-host"><template shadowrootmode="open"><link rel="stylesheet" href="{style}">'
        f'<div class="fieldhr" lang="{escape(asked.speech.language)}"{look}>{fragment(asked, answer)}</div>'
        "</template></div>"
    )


def page(asked: Asked, answer: Answer) -> str:
    """Return a whole page."""
    return str(_frame("page.html.j2", asked, answer))


@functools.cache
def shadow_stylesheet() -> str:
    """Return the style sheet for shadow trees: the same rules, whose colours hang on the host element."""
    # A host may have set the root's size of letters, which rem follows; nothing of ours shall.
    css = paper.stylesheet(":host") + _text("console.css")
    return re.sub(r"([\d.]+)rem", lambda size: f"{float(size[1]) * 16:g}px", css)


def _frame(name: str, asked: Asked, answer: Answer) -> Markup:
    here = "/" + "/".join(asked.path.strip("/").split("/")[:1])
    return template(
        name,
        asked,
        answer=answer,
        menu=pages_for(asked),
        here={"/people": "", "/person": ""}.get(here, here.strip("/")),
        languages=LANGUAGES,
        look=Markup(_look(asked)),
        style=asked.url("console.css", v=tag("console.css")),
        module=asked.url("console.js", v=tag("console.js")),
    )


def _look(asked: Asked) -> str:
    theme = f' data-theme="{escape(asked.theme)}"' if asked.theme else ""
    density = f' data-density="{escape(asked.density)}"' if asked.density else ""
    return theme + density


def _text(name: str) -> str:
    return files("fieldhr_plugins.console.pages").joinpath(name).read_text("utf-8")
