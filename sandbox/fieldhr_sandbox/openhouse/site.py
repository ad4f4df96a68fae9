"""The page ``/trial``: clock, viewers, dials, tour and reset of an open house. Plain forms, no script."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from http.cookies import CookieError, SimpleCookie
from importlib.resources import files
from typing import Any, Final
from urllib.parse import parse_qs

from fieldhr_core import paper
from fieldhr_core.errors import SandboxError
from fieldhr_core.hooks import Application, Caller
from fieldhr_core.hooks.applications import ASGI, Receive, Scope, Send, Site
from fieldhr_core.paper import Cell, Markup, escaped
from fieldhr_core.paper.markup import joined
from fieldhr_sandbox.openhouse.stage import VIEWERS, Stage, before_and_after

__all__ = ["application", "viewer_caller"]

_COOKIE: Final = "fieldhr_viewer"
_FORM_BYTES: Final = 4_096
_CSS: Final = (
    "main{max-width:60rem;margin:0 auto;padding:1rem}form{display:inline}fieldset{border:0;padding:0;margin:.6rem 0}"
    "button{font:inherit;min-height:44px;padding:.4rem 1rem;margin:.15rem .3rem .15rem 0;cursor:pointer}"
    "input{font:inherit;min-height:44px;width:5.5rem;margin:0 1rem 0 .4rem}label{display:inline-block}"
    "ol{padding-left:1.4rem}li{margin:.35rem 0}.now{font-weight:700}"
)
#: Reader -> steps: (key of the words, path or nothing).
_TOUR: Final = {
    "prospect": (
        ("team", "/"),
        ("alerts", "/alerts"),
        ("me", "/me"),
        ("scores", "/scores"),
        ("trust", "/trust"),
        ("report", ""),
    ),
    "vendor": (("api", "/openapi.json"), ("phone", "/phone/"), ("trust", "/trust"), ("doctor", "/doctor")),
    "integrator": (("plugins", "/plugins"), ("api", "/openapi.json"), ("alerts", "/alerts"), ("new", "")),
}


def application(stage: Stage, reset: Callable[[], None]) -> Application:
    """Return the page as an application to mount beside the console.

    Args:
        reset: called when the visitor wants to start again.
    """
    titles = dict(_words()["title"].items())
    return Application(name="trial", titles=titles, path="/trial", make=lambda site: _page(site, stage, reset))


def viewer_caller(stage: Stage, scope: Scope) -> Caller:
    """Return whom the visitor chose to be; the manager until they choose."""
    header = next((value for name, value in scope["headers"] if name == b"cookie"), b"").decode("latin-1")
    try:
        found = SimpleCookie(header).get(_COOKIE)
    except CookieError:
        found = None
    viewer = found.value if found is not None and found.value in VIEWERS else VIEWERS[0]
    return Caller(principal=stage.principal(viewer), session=viewer)


def _page(site: Site, stage: Stage, reset: Callable[[], None]) -> ASGI:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].removeprefix(scope["root_path"])
        if path == "/style.css":
            await _send(send, 200, "text/css; charset=utf-8", paper.stylesheet() + _CSS)
            return
        caller = await site.caller(scope)
        assert caller is not None, "an open house knows every visitor"
        language = _language(scope)
        token = site.form_token(caller)
        if scope["method"] != "POST":
            await _show(send, scope, stage, caller, language, token)
            return
        form = {name: values[-1] for name, values in parse_qs(await _body(receive)).items()}
        if not site.is_form_token(caller, form.get("token", "")):
            await _send(send, 403, "text/plain; charset=utf-8", "403")
            return
        if path == "/viewer":
            viewer = form["viewer"] if form.get("viewer") in VIEWERS else VIEWERS[0]
            cookie = f"{_COOKIE}={viewer}; Path=/; HttpOnly; SameSite=Strict"
            await _go(send, scope, form.get("next", ""), cookie)
        elif path == "/advance":
            await site.run(stage.advance, 1 if form.get("days") == "1" else stage.days_left)
            await _go(send, scope)
        elif path == "/reset":
            reset()
            await _send(send, 200, "text/html; charset=utf-8", _come_back(scope, language), ("refresh", "4"))
        else:
            rows, wrong = await _dialled(site, stage, form)
            await _show(send, scope, stage, caller, language, token, rows=rows, wrong=wrong, form=form)

    return answer


async def _dialled(site: Site, stage: Stage, form: Mapping[str, str]) -> tuple[list[dict[str, Any]], str]:
    try:
        rates = (float(form["anomaly_before"]) / 100, float(form["anomaly_after"]) / 100)
        visits = (float(form["visits_before"]), float(form["visits_after"]))
        return await site.run(before_and_after, rates, visits, stage.tenant.seed), ""
    except SandboxError as refused:
        return [], refused.hint or refused.message
    except (KeyError, ValueError):
        return [], "0-40 %, 1-4"


async def _show(
    send: Send,
    scope: Scope,
    stage: Stage,
    caller: Caller,
    language: str,
    token: str,
    *,
    rows: list[dict[str, Any]] | None = None,
    wrong: str = "",
    form: Mapping[str, str] | None = None,
) -> None:
    root = scope["root_path"].removesuffix("/trial")

    def t(key: str, **values: object) -> str:
        return _words()[key].get(language, _words()[key]["en"]).format(**values)

    body = joined(
        Markup(f'<p><span class="badge loud">{escaped(t("simulated"))}</span></p><h1>'),
        t("title"),
        Markup("</h1><p>"),
        t(
            "house",
            name=f"{stage.tenant.recipe.title} ({stage.tenant.world.city})",
            reps=len(stage.tenant.world.reps),
            customers=f"{len(stage.tenant.world.customers):,}",
            fixes=f"{stage.fixes:,}",
        ),
        Markup("</p>"),
        _clock(stage, t, token, root),
        _viewers(caller, t, token, root),
        _tour(t, root),
        _dials(t, token, root, form or {}, rows, wrong),
        Markup(f"<h2>{escaped(t('reset'))}</h2><p>{escaped(t('reset_note'))}</p>"),
        _form(root, "reset", token, t("reset")),
    )
    html = (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" '
        f'content="light dark"><title>{escaped(t("title"))}</title>'
        f'<link rel="stylesheet" href="{root}/trial/style.css">'
        f"</head><body><main>{body}</main></body></html>\n"
    )
    await _send(send, 200, "text/html; charset=utf-8", html)


def _clock(stage: Stage, t: Callable[..., str], token: str, root: str) -> Markup:
    left = stage.days_left
    said = t("today", date=stage.today, left=left) if left else t("over", date=stage.today)
    buttons = (
        joined(
            _form(root, "advance", token, t("advance_1"), days="1"),
            _form(root, "advance", token, t("advance_7"), days="all"),
        )
        if left
        else Markup("")
    )
    note = t("filling_note") if stage.is_filling else t("advancing_note")
    return joined(
        Markup(f"<h2>{escaped(t('clock'))}</h2><p>"),
        said,
        Markup("</p>"),
        buttons,
        Markup(f'<p class="note">{escaped(note)}</p>'),
    )


def _viewers(caller: Caller, t: Callable[..., str], token: str, root: str) -> Markup:
    parts = []
    for viewer in VIEWERS:
        name = t(f"role.{viewer}")
        if caller.session == viewer:
            parts.append(Markup(f'<p class="now">{escaped(name)} ({escaped(t("is_viewer"))})</p>'))
        else:
            parts.append(_form(root, "viewer", token, name, viewer=viewer, next=f"{root}/trial"))
    return joined(Markup(f"<h2>{escaped(t('viewer'))}</h2><p>{escaped(t('viewer_note'))}</p>"), *parts)


def _tour(t: Callable[..., str], root: str) -> Markup:
    parts = [Markup(f"<h2>{escaped(t('tour'))}</h2>")]
    for reader, steps in _TOUR.items():
        items = "".join(
            f'<li><a href="{root}{path}">{escaped(t(f"step.{key}"))}</a></li>'
            if path
            else f"<li>{escaped(t(f'step.{key}'))}</li>"
            for key, path in steps
        )
        parts.append(Markup(f"<h3>{escaped(t(f'tour.{reader}'))}</h3><ol>{items}</ol>"))
    return joined(*parts)


def _dials(
    t: Callable[..., str],
    token: str,
    root: str,
    form: Mapping[str, str],
    rows: list[dict[str, Any]] | None,
    wrong: str,
) -> Markup:
    defaults = {"anomaly_before": "18", "anomaly_after": "3", "visits_before": "2.0", "visits_after": "3.5", **form}
    fields = ""
    for dial, step in (("anomaly", "0.5"), ("visits", "0.1")):
        inputs = "".join(
            f'<label>{escaped(t(part))}<input type="number" step="{step}" name="{dial}_{part}" '
            f'value="{escaped(defaults[f"{dial}_{part}"])}"></label>'
            for part in ("before", "after")
        )
        fields += f"<fieldset><legend>{escaped(t(f'dial.{dial}'))}</legend>{inputs}</fieldset>"
    parts = [
        Markup(f"<h2>{escaped(t('dials'))}</h2><p>{escaped(t('dials_note'))}</p>"),
        Markup(
            f'<form method="post" action="{root}/trial/dials">'
            f'<input type="hidden" name="token" value="{escaped(token)}">'
            f"{fields}<button>{escaped(t('measure'))}</button></form>"
        ),
    ]
    if wrong:
        parts.append(Markup(f'<p class="fail" role="alert">{escaped(t("wrong", why=wrong))}</p>'))
    if rows:
        parts.append(
            paper.table(
                [t("head.measure"), t("head.part"), Cell(t("head.dialled"), "num"), Cell(t("head.found"), "num")],
                [
                    [
                        t(f"metric.{row['metric']}") if f"metric.{row['metric']}" in _words() else row["metric"],
                        t(row["part"]),
                        row["dialled"],
                        "—" if row["measured"] is None else f"{row['measured']} ({row['low']}–{row['high']})",
                    ]
                    for row in rows
                ],
                caption=t("measured"),
            )
        )
    return joined(*parts)


def _form(root: str, action: str, token: str, label: str, **fields: str) -> Markup:
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{escaped(value)}">'
        for name, value in {"token": token, **fields}.items()
    )
    return Markup(
        f'<form method="post" action="{root}/trial/{action}">{hidden}<button>{escaped(label)}</button></form>'
    )


def _come_back(scope: Scope, language: str) -> str:
    words = _words()["reset_note"]
    note = escaped(words.get(language, words["en"]))
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>fieldhr</title>'
        f'<meta http-equiv="refresh" content="4; url={scope["root_path"]}"></head><body><p>{note}</p></body></html>'
    )


async def _go(send: Send, scope: Scope, to: str = "", cookie: str = "") -> None:
    inside = to if to.startswith("/") and not to.startswith(("//", "/\\")) and to.isascii() and to.isprintable() else ""
    headers = [(b"location", (inside or scope["root_path"]).encode()), (b"content-length", b"0")]
    if cookie:
        headers.append((b"set-cookie", cookie.encode()))
    await send({"type": "http.response.start", "status": 303, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def _send(send: Send, status: int, media: str, text: str, *more: tuple[str, str]) -> None:
    body = text.encode()
    headers = [(b"content-type", media.encode()), (b"content-length", str(len(body)).encode())]
    headers += [(name.encode(), value.encode()) for name, value in more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _body(receive: Receive) -> str:
    body = b""
    while len(body) <= _FORM_BYTES:
        message: Any = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    return body[:_FORM_BYTES].decode("utf-8", "replace")


def _language(scope: Scope) -> str:
    asked = next((value for name, value in scope["headers"] if name == b"accept-language"), b"")
    return "zh-Hans" if asked[:2].lower() == b"zh" else "en"


@cache
def _words() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads(files(__package__).joinpath("words.json").read_text("utf-8"))
    return found
