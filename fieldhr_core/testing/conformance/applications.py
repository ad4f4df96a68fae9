"""Applications that a plugin offers: mounted as a host mounts them, and asked as browsers, programs and strangers ask.

No server and no framework: requests go straight into the mount, so what a plugin needs for its own tests is the kit.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import Any, ClassVar, Final

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldhr_core.errors import AccessError
from fieldhr_core.hooks.applications import Application, Caller
from fieldhr_core.hooks.mounting import Applications
from fieldhr_core.model import Customer, Person, Principal, Role
from fieldhr_core.testing.conformance.base import examples
from fieldhr_core.trust.keys import EphemeralKeys

__all__ = ["ApplicationConformance", "Reply"]

_TENANT: Final = "kit-bank"
#: Nobody but a principal of the tenant may ever read these.
_SECRETS: Final = ("Qiu Marker-Person", "Marker-Customer Ltd", "marker-need")
_ROOT: Final = "/erp/hr"
_STRANGER: Final = Principal(tenant="kit-other", id="kit.stranger", role=Role.ADMIN)
_ADMIN: Final = Principal(tenant=_TENANT, id="kit.admin", role=Role.ADMIN)

#: Where to go instead.
_ELSEWHERE: Final = (303, 307, 308)
#: What somebody nobody knows may get.
_REFUSED: Final = (303, 401, 403, 404)
#: Directives that say where something may come from or go to.
_SOURCES: Final = re.compile(r"(?:[a-z]+-src|form-action|frame-ancestors|base-uri)")
_LOOSE: Final = ("'unsafe-inline'", "'unsafe-eval'", "*", "http:", "https:")
#: (element, attribute) pairs that a browser follows by itself.
_LOADED: Final = frozenset(
    {
        ("script", "src"), ("img", "src"), ("image", "href"), ("use", "href"), ("link", "href"), ("iframe", "src"),
        ("source", "src"), ("audio", "src"), ("video", "src"), ("video", "poster"), ("object", "data"),
        ("embed", "src"), ("form", "action"), ("button", "formaction"), ("base", "href"), ("track", "src"),
    }
)  # fmt: skip
_FOREIGN: Final = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
_IN_CSS: Final = re.compile(r"(?:@import\s+|url\(\s*)[\"']?\s*((?:[a-z][a-z0-9+.-]*:)?//[^\s\"')]+)", re.IGNORECASE)


@attrs.frozen(kw_only=True)
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def media(self) -> str:
        """Its media type, without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def text(self) -> str:
        """Its body as text."""
        return self.body.decode("utf-8", "replace")


class ApplicationConformance:
    """What every application owes a host, the people behind its browsers, and everybody else.

    Define ``make``; name more paths to be asked than the entry in ``paths``, and what needs no login in ``public``.

    Attributes:
        paths: below the application's own (``""`` is that itself); each must answer an administrator's GET.
        public: paths that answer anybody, with nothing of a tenant in it (a login page, icons, a description); ``None``
            where it is not known which: then only what they say is looked at.
        settings: of the tenant, as ``hr.tenants.create`` takes them.
    """

    paths: ClassVar[Sequence[str]] = ("",)
    public: ClassVar[Sequence[str] | None] = ()
    #: As the other suites have it: nothing about an application is optional.
    optional: ClassVar[Mapping[str, str]] = {}
    offer: ClassVar[tuple[str, str, str]] = ("", "", "")
    settings: ClassVar[Mapping[str, Any]] = {}

    def make(self) -> Application:
        """Return the application, as your hook offers it. Yours to define."""
        pytest.fail(f"{type(self).__name__} defines no make()")

    def plugins(self) -> Sequence[Any]:
        """Return the plugins it needs besides its own code; none by default."""
        return ()

    # -- tests ---------------------------------------------------------------------------------------------------

    def test_it_is_mounted_where_it_says(self) -> None:
        """A host's menu and router can use its name, titles and path as they are."""
        offered = self.make()
        with self.mounted() as site:
            (link,) = [link for link in site.links if link.name == offered.name]
        assert (link.path, dict(link.titles)) == (offered.path, dict(offered.titles))
        assert not offered.titles or offered.titles.get("en"), "titles without an English one"
        assert offered.name == offered.name.lower()

    def test_its_pages_answer(self) -> None:
        """Each path it names answers an administrator, with a type, and the same to HEAD without a body."""
        with self.mounted() as site:
            for path in self._all():
                reply = self.ask(site, path)
                assert reply.status in self._fine(), (path, reply.status, reply.text[:200])
                assert reply.status != 200 or reply.media, f"{path} has no content type"
                assert reply.media != "text/html" or "charset=utf-8" in reply.headers["content-type"].lower()
                head = self.ask(site, path, "HEAD")
                assert head.body == b"", f"HEAD {path} came with a body"
                assert head.status in (reply.status, 405), (path, head.status)

    def test_every_answer_is_held_in_by_headers(self) -> None:
        """Nothing inline, nothing evaluated, no frame or script of others; no type guessed, no referrer told."""
        with self.mounted() as site:
            for path in [*self._all(), self.make().path.rstrip("/") + "/no-such-page"]:
                headers = self.ask(site, path).headers
                policy = headers.get("content-security-policy", "")
                for directive in policy.split(";"):
                    name, *sources = directive.split() or [""]
                    if _SOURCES.fullmatch(name):
                        assert not set(sources) & set(_LOOSE), f"{path}: {directive.strip()}"
                assert "default-src" in policy, f"{path}: {policy!r}"
                assert headers.get("x-content-type-options") == "nosniff", path
                assert headers.get("referrer-policy") == "no-referrer", path

    def test_its_pages_load_nothing_from_elsewhere(self) -> None:
        """No script, style, picture or form of a page leads to another host: it works where there is no internet."""
        with self.mounted() as site:
            for path in self._all():
                for found in _loads(self.ask(site, path)):
                    assert not _FOREIGN.match(found), f"{path} loads {found}"

    def test_it_stands_below_a_root(self) -> None:
        """Mounted below a host's own path, all it loads and links lies below that path."""
        with self.mounted() as site:
            for path in self._all():
                reply = self.ask(site, path, root=_ROOT)
                assert reply.status in self._fine(), (path, reply.status)
                leads = [reply.headers["location"]] if reply.status in _ELSEWHERE else [*_loads(reply), *_links(reply)]
                for found in leads:
                    assert not found.startswith("/") or found.startswith(_ROOT), f"{path} leads to {found}"

    def test_whoever_is_unknown_gets_nothing_of_a_tenant(self) -> None:
        """Without a login: a refusal, or the way to one; what answers anybody holds nothing of a tenant."""
        with self.mounted() as site:
            for path in self._all():
                reply = self.ask(site, path, caller=None)
                is_public = self._is_public(path)
                assert reply.status in (*_REFUSED, *((200, *_ELSEWHERE) if is_public else ())), (path, reply.status)
                assert not _tells(reply), f"{path} tells an unknown caller {_tells(reply)}"

    def test_it_acts_as_whoever_asks(self) -> None:
        """The principal the host hands over is the one whose rights hold: another tenant's sees nothing of this one."""
        with self.mounted() as site:
            for path in self._all():
                for caller in (_STRANGER, attrs.evolve(_STRANGER, tenant="kit-nowhere")):
                    reply = self.ask(site, path, caller=caller)
                    assert reply.status < 500, (path, reply.status)
                    assert not _tells(reply), f"{path} shows {_tells(reply)} to another tenant"

    def test_a_login_that_ended_is_no_login(self) -> None:
        """The host is asked for each request anew."""
        with self.mounted() as site:
            for path in self._all():
                self.ask(site, path)
                reply = self.ask(site, path, caller=AccessError("It ended.", code="FHR-API-002"))
                is_public = self._is_public(path)
                assert reply.status in (*_REFUSED, *((200, *_ELSEWHERE) if is_public else ())), (path, reply.status)

    def test_what_is_not_there_is_said_so(self) -> None:
        """An unknown path is not found, an unknown method not allowed: as a page, or as a problem document."""
        with self.mounted() as site:
            missing = self.ask(site, self.make().path.rstrip("/") + "/no-such-page/at-all")
            assert missing.status == 404, missing.status
            _speaks(missing)
            for path in self._all():
                for method in ("DELETE", "PATCH", "BREW"):
                    reply = self.ask(site, path, method)
                    assert reply.status in (401, 403, 404, 405, 501), (method, path, reply.status)
                    _speaks(reply)

    def test_a_form_that_nobody_of_ours_made_changes_nothing(self) -> None:
        """With a cookie's credentials alone a POST is refused: from another site, and without a form token."""
        with self.mounted() as site:
            for path in self._all():
                for name, value in (("sec-fetch-site", "cross-site"), ("origin", "https://evil.example"), ("x", "y")):
                    reply = self.ask(site, path, "POST", headers={name: value, "cookie": "kit=1"}, body=b"a=b")
                    is_foreign = name != "x"
                    assert 400 <= reply.status < 500, (path, name, reply.status)
                    assert not is_foreign or reply.status == 403, (path, name, reply.status)

    def test_whatever_comes_is_answered(self) -> None:
        """No path, query, header or body makes it fail."""

        @examples
        @given(
            rest=st.text(max_size=40),
            query=st.binary(max_size=40),
            value=st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=40),
            body=st.binary(max_size=60),
            method=st.sampled_from(["GET", "POST", "HEAD"]),
        )
        def holds(rest: str, query: bytes, value: str, body: bytes, method: str) -> None:
            path = f"{self.make().path.rstrip('/')}/{rest}"
            headers = {"accept-language": value, "cookie": value, "content-type": value, "if-none-match": value}
            reply = self.ask(site, path, method, query=query, headers=headers, body=body)
            assert reply.status < 500, (path, reply.status)
            assert "\r" not in "".join(reply.headers.values())

        with self.mounted() as site:
            holds()

    # -- how it is asked -----------------------------------------------------------------------------------------

    @contextmanager
    def mounted(self) -> Iterator[Applications]:
        """Yield the application in a mount of a runtime with a small tenant, and no other application beside it."""
        from fieldhr_core import FieldHR

        self._caller: Any = _ADMIN
        with FieldHR.open("sqlite://", keys=EphemeralKeys(), plugins=list(self.plugins()), autoload=False) as hr:
            for tenant in (_TENANT, _STRANGER.tenant):
                hr.tenants.create(tenant, name=tenant, settings=dict(self.settings))
            with hr.acting_as(_ADMIN, purpose="operations") as desk:
                desk.people.put([Person(id="kit-rep", name=_SECRETS[0])])
                desk.customers.put([Customer(id="kit-c", name=_SECRETS[1], need=_SECRETS[2], owner="kit-rep")])
            site = hr.applications(authenticate=self._who, only=[], besides=[self.make()])
            try:
                yield site
            finally:
                site.close()

    def ask(
        self,
        site: Applications,
        path: str,
        method: str = "GET",
        *,
        caller: Principal | Caller | AccessError | None = _ADMIN,
        root: str = "",
        query: bytes = b"",
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> Reply:
        """Send one request and return what came back."""
        self._caller = caller
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": f"{root}{path}" or "/",
            "raw_path": (f"{root}{path}" or "/").encode("utf-8", "surrogatepass"),
            "query_string": query,
            "root_path": root,
            "headers": [
                (b"host", b"kit.example"),
                (b"content-length", str(len(body)).encode()),
                *((name.encode(), value.encode("latin-1")) for name, value in (headers or {}).items()),
            ],
            "client": ("127.0.0.1", 1),
            "server": ("kit.example", 80),
        }
        return asyncio.run(_sent(site, scope, body))

    def _who(self, _scope: Any) -> Any:
        if isinstance(self._caller, AccessError):
            raise self._caller
        return self._caller

    def _at(self, path: str) -> str:
        own = self.make().path.rstrip("/")
        return f"{own}/{path.lstrip('/')}" if path else own or "/"

    def _fine(self) -> tuple[int, ...]:
        # Where nobody said which paths there are, there need be nothing at the first.
        return (200, *_ELSEWHERE, *((404,) if self.public is None else ()))

    def _is_public(self, path: str) -> bool:
        return self.public is None or path in self.public or path in [self._at(each) for each in self.public]

    def _all(self) -> list[str]:
        return [*dict.fromkeys(self._at(path) for path in (*self.paths, *(self.public or ()))), *self.make().also]


async def _sent(application: Callable[..., Any], scope: Any, body: bytes) -> Reply:
    status, headers, parts = 0, dict[str, str](), list[bytes]()
    coming = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        return coming.pop(0) if coming else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
            headers.update(
                (name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in message["headers"]
            )
        elif message["type"] == "http.response.body":
            parts.append(message.get("body", b""))

    await application(scope, receive, send)
    return Reply(status=status, headers=headers, body=b"".join(parts))


class _Seen(HTMLParser):
    """What a page loads by itself, and where its links lead."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Note what an element refers to."""
        for name, value in attributes:
            bare = name.rpartition(":")[2]
            if value is None:
                continue
            if (tag, bare) in _LOADED:
                self.loaded.append(value.strip())
            elif bare == "srcset":
                self.loaded += [each.split()[0] for each in value.split(",") if each.split()]
            elif bare == "style":
                self.loaded += _IN_CSS.findall(value)
            elif (tag, bare) == ("a", "href"):
                self.links.append(value.strip())


def _loads(reply: Reply) -> list[str]:
    if reply.media == "text/css":
        return _IN_CSS.findall(reply.text)
    return _Seen(reply.text).loaded + _IN_CSS.findall(reply.text) if reply.media == "text/html" else []


def _links(reply: Reply) -> list[str]:
    return _Seen(reply.text).links if reply.media == "text/html" else []


def _tells(reply: Reply) -> list[str]:
    return [secret for secret in _SECRETS if secret in reply.text]


def _speaks(reply: Reply) -> None:
    """Hold a refusal to what people or programs can read, without a trace of what is inside."""
    if not reply.body:
        return
    assert "Traceback" not in reply.text
    if reply.media == "application/problem+json":
        assert json.loads(reply.body)["status"] == reply.status
    else:
        assert reply.media in ("text/html", "text/plain", "application/json"), reply.media
