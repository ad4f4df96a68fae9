"""From a request to a response, without a web framework: which page, for which purpose, in which language and form."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, quote, unquote, urlencode

import attrs

from fieldhr_core.errors import AccessError, FieldhrError
from fieldhr_core.hooks.mounting import POLICY
from fieldhr_core.model import Principal, Role
from fieldhr_core.paper.markup import Markup
from fieldhr_plugins.console.pages import cases, day, me, messages, scores, shell, system, team, trends, trust
from fieldhr_plugins.console.pages.asking import Answer, Asked
from fieldhr_plugins.console.pages.speech import LANGUAGES, Speech, best_language, is_zone

if TYPE_CHECKING:
    from fieldhr_core import FieldHR
    from fieldhr_core.flow.desk import Desk

__all__ = ["PREFERENCES", "Request", "Response", "embedded", "respond"]

#: Name of the cookie with language, zone, look and density: nothing about a person.
PREFERENCES: Final = "fieldhr_look"
_HTML: Final = "text/html; charset=utf-8"
#: Where a role begins; whoever is not named begins with the team.
_HOME: Final[Mapping[Role, list[str]]] = {
    Role.REP: ["me"],
    Role.COMPLIANCE: ["alerts"],
    Role.HR_PAYROLL: ["scores"],
    Role.AUDITOR: ["trust"],
    Role.INTEGRATOR: ["plugins"],
}
_FOREVER: Final = (("cache-control", "public, max-age=31536000, immutable"),)


@attrs.frozen(kw_only=True)
class Request:
    """A request as any web framework can hand it over.

    Attributes:
        path: below where the pages are mounted; root: that place.
        query, form: decoded; the last value of each name.
        purpose: the only one its sender may act for; empty: the page's own.
        preferences: value of the cookie :data:`PREFERENCES`, or empty.
        languages: the header ``Accept-Language``.
        token: goes into every form; is_ours: whether the form brought it back.
        embed: ``page``, ``fragment`` or ``shadow``.
    """

    principal: Principal
    method: str = "GET"
    path: str = "/"
    root: str = ""
    query: Mapping[str, str] = attrs.field(factory=dict)
    form: Mapping[str, str] = attrs.field(factory=dict)
    purpose: str = ""
    preferences: str = ""
    languages: str = ""
    token: str = ""
    is_ours: bool = False
    is_secure: bool = False
    links: Sequence[tuple[Mapping[str, str], str]] = ()
    logout: str = ""
    embed: str = "page"


@attrs.frozen(kw_only=True)
class Response:
    """What goes back."""

    status: int = 200
    body: bytes = b""
    media: str = _HTML
    headers: tuple[tuple[str, str], ...] = ()


def respond(hr: FieldHR, request: Request) -> Response:
    """Answer a request; whatever a desk refuses becomes a page that says so in words."""
    parts = [unquote(part) for part in request.path.strip("/").split("/") if part]
    file = _file(parts)
    if file is not None:
        return file
    if request.method == "POST" and not request.is_ours:
        return _refused(hr, request, 403, "FHR-API-003")
    if parts == ["preferences"] and request.method == "POST":
        return _preferences(request)
    try:
        return _framed(request, *_answered(hr, request, parts))
    except AccessError as failure:
        return _refused(hr, request, 404 if failure.code == "FHR-ACC-001" else 403, failure.code)
    except FieldhrError as failure:
        return _refused(hr, request, 400, failure.code, failure.message)


def embedded(hr: FieldHR, principal: Principal, path: str, **more: object) -> Markup:
    """Return a page's part for a host's own template, as a shadow tree unless ``embed="fragment"`` is given.

    Args:
        path: of the page, with its query (``/alerts?severity=high``).
        more: further attributes of :class:`Request`: ``root``, ``languages``, ``token`` ...

    Raises:
        FieldhrError: as the desk's rooms do; the host shows it its own way.
    """
    bare, _, query = path.partition("?")
    request = Request(principal=principal, path=bare, query=dict(parse_qsl(query)), **{"embed": "shadow", **more})  # type: ignore[arg-type] # checked by attrs' own signature at run time
    asked, answer = _answered(hr, request, [unquote(part) for part in bare.strip("/").split("/") if part])
    return shell.fragment(asked, answer) if request.embed == "fragment" else shell.shadow(asked, answer)


def _file(parts: list[str]) -> Response | None:
    files: dict[str, tuple[str, Callable[[], str]]] = {
        "console.css": ("text/css; charset=utf-8", shell.stylesheet),
        "shadow.css": ("text/css; charset=utf-8", shell.shadow_stylesheet),
        "console.js": ("text/javascript; charset=utf-8", shell.script),
    }
    if len(parts) != 1 or parts[0] not in files:
        return None
    media, made = files[parts[0]]
    return Response(body=made().encode(), media=media, headers=_FOREVER)


def _answered(hr: FieldHR, request: Request, parts: list[str]) -> tuple[Asked, Answer]:
    role = request.principal.role
    if not parts:
        parts = _HOME.get(role, [])
    with ExitStack() as desks:

        def at_desk(purpose: str) -> Desk:
            return desks.enter_context(hr.acting_as(request.principal, purpose=request.purpose or purpose))

        desk = at_desk(_purpose(parts, role))
        asked = _asked(hr, request, desk)
        return asked, _page(desk, asked, parts, at_desk)


def _page(desk: Desk, asked: Asked, parts: list[str], at_desk: Callable[[str], Desk]) -> Answer:
    is_post = bool(asked.form)
    match parts:
        case []:
            return team.render(desk, asked)
        case ["people", rep]:
            return day.render(desk, asked, rep)
        case ["alerts"]:
            return cases.inbox(desk, asked)
        case ["alerts", case]:
            return cases.act(desk, asked, case) if is_post else cases.render(desk, asked, case)
        case ["scores"]:
            return scores.render(desk, asked)
        case ["messages"]:
            return messages.render(desk, asked)
        case ["trends"]:
            return trends.render(desk, asked)
        case ["trust"]:
            return trust.render(desk, asked)
        case ["plugins"]:
            return system.plugins(desk, asked)
        case ["doctor"]:
            return system.doctor(desk, asked)
        case ["me"]:
            return me.render(desk, asked, at_desk)
        case ["me", "data.zip"]:
            return me.download(desk, asked)
    raise AccessError("There is no such page.", code="FHR-ACC-001")


def _purpose(parts: list[str], role: Role) -> str:
    """Return what a page is looked at for, by whoever looks at it."""
    first = parts[0] if parts else ""
    fixed = {"scores": "performance", "trust": "audit"}
    if first in fixed:
        return fixed[first]
    if parts[:2] == ["me", "data.zip"]:
        return "subject_access"
    if first in ("plugins", "doctor"):
        return {Role.INTEGRATOR: "integration", Role.AUDITOR: "audit"}.get(role, "administration")
    return {
        Role.REP: "visits",
        Role.COMPLIANCE: "compliance",
        Role.HR_PAYROLL: "performance",
        Role.AUDITOR: "audit",
        Role.INTEGRATOR: "integration",
    }.get(role, "supervision")


def _asked(hr: FieldHR | None, request: Request, desk: Desk | None) -> Asked:
    wanted = dict(parse_qsl(request.preferences))
    language = wanted.get("language", "")
    zone = wanted.get("zone", "")
    if not (zone and is_zone(zone)):
        zone = desk.boards.whose()[2] if desk is not None else "UTC"
    speech = Speech(
        language=language if language in LANGUAGES else best_language(request.languages),
        zone=zone,
        wording=desk.boards.wording() if desk is not None else None,
    )
    return Asked(
        path=request.path,
        principal=request.principal,
        query=request.query,
        form=request.form if request.method == "POST" else {},
        root=request.root,
        speech=speech,
        token=request.token,
        theme=wanted.get("theme", "") if wanted.get("theme") in ("light", "dark") else "",
        density="compact" if wanted.get("density") == "compact" else "",
        links=[(titles.get(speech.language) or titles.get("en", ""), address) for titles, address in request.links],
        hr=hr,
        logout=request.logout,
    )


def _framed(request: Request, asked: Asked, answer: Answer) -> Response:
    if answer.location:
        return Response(status=303, headers=(("location", answer.location),))
    if answer.download is not None:
        name, media, body = answer.download
        disposition = f"attachment; filename*=UTF-8''{quote(name)}"
        return Response(body=body, media=media, headers=(("content-disposition", disposition),))
    form = {"fragment": shell.fragment, "shadow": shell.shadow}.get(request.embed, shell.page)
    headers = ((("content-security-policy", _policy(answer.pictures_from)),)) if answer.pictures_from else ()
    return Response(status=answer.status, body=form(asked, answer).encode("utf-8"), headers=headers)


def _policy(pictures_from: str) -> str:
    """Return the site's policy, opened for pictures of one host more and for nothing else."""
    return POLICY.replace("img-src 'self'", f"img-src 'self' {pictures_from}")


def _preferences(request: Request) -> Response:
    before = dict(parse_qsl(request.preferences))
    for name in ("language", "zone", "theme", "density"):
        if name in request.form:
            before[name] = request.form[name]
    known = {
        "language": before.get("language", "") if before.get("language") in LANGUAGES else "",
        "zone": before.get("zone", "") if is_zone(before.get("zone", "")) else "",
        "theme": before.get("theme", "") if before.get("theme") in ("light", "dark") else "",
        "density": "compact" if before.get("density") == "compact" else "",
    }
    value = urlencode({name: text for name, text in known.items() if text})
    back = request.form.get("back", "")
    inside = (
        back.startswith(f"{request.root}/") and not back.startswith("//") and "\\" not in back and back.isprintable()
    )
    secure = "; Secure" if request.is_secure else ""
    cookie = f"{PREFERENCES}={value}; Path={request.root or '/'}; Max-Age=31536000; HttpOnly; SameSite=Lax{secure}"
    return Response(status=303, headers=(("location", back if inside else f"{request.root}/"), ("set-cookie", cookie)))


def _refused(hr: FieldHR, request: Request, status: int, code: str, message: str = "") -> Response:
    asked = _asked(None, attrs.evolve(request, method="GET"), None)
    asked = attrs.evolve(asked, hr=hr)
    t = asked.speech.t
    said = {
        404: t("There is nothing here, or it is not yours to see."),
        403: t("This is not for your role, or not for this purpose."),
    }.get(status, message or t("This could not be done."))
    if code == "FHR-API-003":
        said = t("The form is too old or came from elsewhere. Open the page again.")
    title = {404: t("Nothing here"), 403: t("Not for you")}.get(status, t("This could not be done"))
    answer = Answer(title=title, status=status, body=shell.template("refused.html.j2", asked, said=said, code=code))
    return _framed(request, asked, answer)
