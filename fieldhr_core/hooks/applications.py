"""What a plugin offers to people and programs that come over HTTP, and what it is given to serve them.

ASGI is a calling convention and no framework: an application is a coroutine function of three arguments, whatever made
it. Who somebody is, the host says, for each request anew; nobody logs in twice.
"""

from __future__ import annotations

import contextvars
import inspect
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs

from fieldhr_core.model import Principal

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from fieldhr_core.flow.desk import Desk
    from fieldhr_core.runtime import FieldHR

__all__ = ["ASGI", "Application", "Authenticate", "Caller", "Link", "Message", "Receive", "Scope", "Send", "Site"]

T = TypeVar("T")

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
#: An ASGI 3 application.
ASGI = Callable[[Scope, Receive, Send], Awaitable[None]]

#: Key of a scope under which the caller of its request is kept once it is known.
_CALLER: Final = "fieldhr.caller"


@attrs.frozen(kw_only=True)
class Caller:
    """Who a request comes from.

    Attributes:
        principal: whose rights hold.
        purpose: the only purpose they may act for; empty: the one that the page or route states.
        session: what tells this login from another of the same principal (the id of a token, of a host's session).
            Forms are tied to it.
    """

    principal: Principal
    purpose: str = ""
    session: str = ""


#: ASGI scope of a request -> who it comes from; ``None``: nobody known. May be a plain function, which is called off
#: the event loop and may use a database, or a coroutine function. Raising an ``AccessError`` is ``None``, too.
Authenticate = Callable[[Scope], "Principal | Caller | Awaitable[Principal | Caller | None] | None"]


@attrs.frozen(kw_only=True)
class Link:
    """Where one mounted application is.

    Attributes:
        name: of the application.
        titles: language tag -> title, for menus; empty for one that no menu shows.
        path: below the root of the mount (``/phone``).
        plugin: name of the plugin it comes from.
    """

    name: str
    titles: Mapping[str, str]
    path: str
    plugin: str


@attrs.define(eq=False, kw_only=True)
class Site:
    """What the applications of one mount share: the runtime, who is there, and the threads that work for them.

    Attributes:
        hr: the open runtime.
        login_url: where a person without a login is sent; empty where the host has none.
        links: every application of the mount, in order of their paths.
    """

    hr: FieldHR
    login_url: str = ""
    links: Sequence[Link] = ()
    _authenticate: Authenticate = attrs.field(alias="authenticate")
    _executor: Executor = attrs.field(alias="executor")
    _secret: bytes = attrs.field(alias="secret", repr=False)

    async def caller(self, scope: Scope) -> Caller | None:
        """Return who a request comes from; ``None`` where nobody known. Asks the host once a request."""
        if _CALLER not in scope:
            scope[_CALLER] = await self._ask_host(scope)
        found: Caller | None = scope[_CALLER]
        return found

    async def run(self, work: Callable[..., T], /, *args: Any) -> T:
        """Call a function on a thread of this mount; whatever touches the runtime goes this way."""
        import asyncio  # a plugin that only offers something else does not pay for it

        bound = partial(contextvars.copy_context().run, work, *args)
        return await asyncio.get_running_loop().run_in_executor(self._executor, bound)

    async def at_desk(self, caller: Caller, purpose: str, work: Callable[[Desk], T]) -> T:
        """Open a desk for a caller on a thread of this mount, and return what *work* makes of it.

        Args:
            purpose: what the page or route is for; a caller with a purpose of their own acts for that one.

        Raises:
            FieldhrError: as the desk's rooms do.
        """

        def task() -> T:
            with self.hr.acting_as(caller.principal, purpose=caller.purpose or purpose) as desk:
                return work(desk)

        return await self.run(task)

    def form_token(self, caller: Caller) -> str:
        """Return what a form or script of ours sends along to show that it is ours: a field or header, never a cookie.

        Equal for one caller as long as the mount lives (with a secret of the host's: for good).
        """
        import hashlib
        import hmac

        who = caller.principal
        said = "\0".join(("form", who.tenant, who.id, who.role.value, who.person or "", caller.session))
        return hmac.new(self._secret, said.encode(), hashlib.sha256).hexdigest()

    def is_form_token(self, caller: Caller, token: str) -> bool:
        """Whether a state change that came with a cookie was meant by our own page."""
        from hmac import compare_digest

        return compare_digest(self.form_token(caller).encode(), token.encode("utf-8", "replace"))

    async def _ask_host(self, scope: Scope) -> Caller | None:
        from fieldhr_core.errors import AccessError

        try:
            found: Any
            if inspect.iscoroutinefunction(self._authenticate):
                found = await self._authenticate(scope)
            else:
                found = await self.run(self._authenticate, scope)
                if inspect.isawaitable(found):
                    found = await found
        except AccessError:
            return None
        return Caller(principal=found) if isinstance(found, Principal) else found


@attrs.frozen(eq=False, kw_only=True)
class Application:
    """An ASGI application that a plugin offers.

    Attributes:
        name: lower case, unique among all applications (``api``, ``console``).
        titles: language tag -> title, ``en`` among them; empty for one that no menu shows.
        path: where it is mounted below the host's root: ``/`` or ``/word``; a request goes to the longest that fits.
        also: further paths that are its own, word for word (``/openapi.json``).
        make: builds it for one mount; cheap, without I/O. It gets ``root_path`` as ASGI says, no lifespan events and no
            WebSockets, and asks :meth:`Site.caller` itself: nothing is public because nobody looked.
    """

    name: str
    titles: Mapping[str, str] = attrs.field(factory=dict)
    path: str
    also: tuple[str, ...] = ()
    make: Callable[[Site], ASGI]
