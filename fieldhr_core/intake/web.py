"""JSON over HTTP with one other system, fenced: a URL comes from a setting, and so does where it must not lead.

Encrypted unless said otherwise; to public addresses unless allowed by name, and to the address that was checked; no
redirect is followed; no proxy or password is taken from the environment; an answer is read up to a limit, in time.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, urljoin, urlsplit

import attrs

from fieldhr_core.errors import ConfigError, MissingDependencyError, SourceError
from fieldhr_core.intake.addresses import PrivateAddressError, address_of

if TYPE_CHECKING:
    import ssl

    import httpx

__all__ = ["Answer", "Web", "WebSettings"]

#: Answers that pass: too early, too many, and what a gateway says while the system behind it starts.
_TRY_AGAIN: Final = frozenset({425, 429, 502, 503, 504})
#: A server that asks for more patience than this is asked again at the next pull.
_MOST_PATIENCE_S: Final = 30.0
_FIRST_PAUSE_S: Final = 0.5


@attrs.frozen(kw_only=True)
class WebSettings:
    """How another system is reached.

    Attributes:
        url: its address, such as ``https://erp.example.com``; a path in it stands before every path.
        allowed_hosts: host names or addresses (``host`` or ``host:port``) that may lie in a private network.
        allow_http: whether it may be asked unencrypted.
        timeout_s: of one request, from the look-up of the name to the last byte.
        retries: how often a reading request is repeated after a broken connection, 429, 502, 503 or 504.
        max_mb: a longer answer is refused, unpacked.
    """

    url: str = ""
    allowed_hosts: tuple[str, ...] = ()
    allow_http: bool = False
    timeout_s: float = attrs.field(default=30.0, validator=attrs.validators.gt(0))
    retries: int = attrs.field(default=2, validator=[attrs.validators.ge(0), attrs.validators.le(10)])
    max_mb: int = attrs.field(default=64, validator=attrs.validators.ge(1))


@attrs.frozen(eq=False, kw_only=True)
class Answer:
    """What came back: the status, the headers by lower-case name, and the body read as JSON."""

    status: int
    headers: Mapping[str, str]
    body: Any


class Web:
    """Requests to one system, as a context manager that holds the connection.

    Args:
        settings: where and how.
        headers: of every request; the credentials among them never stand in an error.
        tls: for hosts with a certificate authority of their own.
        sleep, monotonic: for the pauses between two tries.
        object_hook: what JSON objects become, as of :func:`json.loads`.
    """

    def __init__(
        self,
        settings: WebSettings,
        *,
        headers: Mapping[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        object_hook: Callable[[dict[str, Any]], Any] | None = None,
    ) -> None:
        self._settings = settings
        self._base = _parsed(settings)
        self._headers = dict(headers or {})
        self._tls = tls
        self._sleep = sleep
        self._monotonic = monotonic
        self._object_hook = object_hook
        self._client: httpx.Client | None = None

    def __enter__(self) -> Web:
        try:
            import httpx
        except ImportError:
            raise MissingDependencyError("httpx", "rest") from None
        self._client = httpx.Client(
            timeout=self._settings.timeout_s,
            verify=self._tls or True,
            trust_env=False,
            follow_redirects=False,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    @property
    def host(self) -> str:
        """Return the host's name, for messages."""
        return self._base.hostname or ""

    def get(
        self, path: str, *, params: Any = None, headers: Mapping[str, str] | None = None, good: tuple[int, ...] = (200,)
    ) -> Answer:
        """Read; repeated where that may help. *path* may be a whole URL of the same system, as a next link is.

        Raises:
            SourceError: see :meth:`ask`.
        """
        return self.ask("GET", path, params=params, headers=headers, good=good, again=True)

    def ask(
        self,
        method: str,
        path: str,
        *,
        params: Any = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        good: tuple[int, ...] = (200,),
        again: bool = False,
    ) -> Answer:
        """Make one request, or several where *again* says that repeating does no harm.

        Args:
            method: of HTTP.
            path: below the base, or a whole URL of the same system.
            params: of the query: a mapping or pairs.
            body: sent as JSON.
            good: statuses that are answers; every other one raises.
            again: whether the request may be repeated.

        Raises:
            SourceError: FHR-SRC-001 not reached, FHR-SRC-002 credentials refused, FHR-SRC-003 too many requests,
                FHR-SRC-004 an answer that is none, FHR-SRC-005 an address that may not be reached.
        """
        url = self._url(path)
        tries = 1 + (self._settings.retries if again else 0)
        for number in range(tries):
            last = number + 1 == tries
            try:
                answer = self._once(method, url, params, body, headers)
            except SourceError as failure:
                if last or failure.code != "FHR-SRC-001":
                    raise
                self._sleep(_FIRST_PAUSE_S * 2**number)
                continue
            if answer.status in good:
                return answer
            patience = _patience(answer, number)
            if last or answer.status not in _TRY_AGAIN or patience > _MOST_PATIENCE_S:
                raise self._refused(answer)
            self._sleep(patience)
        raise AssertionError("unreachable")  # pragma: no cover - the last try returns or raises

    def _url(self, path: str) -> SplitResult:
        if "://" in path:
            url = urlsplit(path)
            if _origin(url) != _origin(self._base):
                raise SourceError(
                    f"{self.host} sent a link to another system.", code="FHR-SRC-005", host=url.hostname or ""
                )
            return url
        base = self._base.geturl().rstrip("/") + "/"
        return urlsplit(urljoin(base, path.lstrip("/")) if path else base.rstrip("/"))

    def _once(self, method: str, url: SplitResult, params: Any, body: Any, headers: Mapping[str, str] | None) -> Answer:
        import httpx

        assert self._client is not None, "used outside its with block"
        host, port = url.hostname or "", url.port or {"https": 443, "http": 80}[url.scheme]
        deadline = self._monotonic() + self._settings.timeout_s
        try:
            address = address_of(host, port, self._settings.allowed_hosts)
        except PrivateAddressError:
            raise SourceError(f"{host} lies in a private network.", code="FHR-SRC-005", host=host) from None
        except OSError:
            raise SourceError(f"{host} cannot be looked up.", code="FHR-SRC-001", host=host) from None
        literal = f"[{address}]" if ":" in address else address
        sent = {
            # Said always: some servers pack unasked, and then forget to say so.
            "Accept-Encoding": "gzip",
            "Accept": "application/json",
            "User-Agent": "fieldhr/1",
            **self._headers,
            **(headers or {}),
            "Host": url.netloc.rpartition("@")[2],
        }
        request = self._client.build_request(
            method,
            url._replace(netloc=f"{literal}:{port}").geturl(),
            params=params,
            json=body,
            headers=sent,
            extensions={"sni_hostname": host},
        )
        try:
            response = self._client.send(request, stream=True)
            try:
                content = self._read(response, deadline)
            finally:
                response.close()
        except httpx.TimeoutException:
            raise SourceError(f"{host} did not answer in time.", code="FHR-SRC-001", host=host) from None
        except httpx.DecodingError:
            raise SourceError(f"{host} packed its answer wrongly.", code="FHR-SRC-004", host=host) from None
        except httpx.HTTPError as failure:
            # Its text may hold addresses and what was sent.
            why = type(failure).__name__
            raise SourceError(f"{host} cannot be reached ({why}).", code="FHR-SRC-001", host=host) from None
        found = {name.lower(): value for name, value in response.headers.items()}
        return Answer(status=response.status_code, headers=found, body=self._parsed(response.status_code, content))

    def _read(self, response: httpx.Response, deadline: float) -> bytes:
        content = bytearray()
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > self._settings.max_mb << 20:
                raise SourceError(
                    f"{self.host} answered with more than {self._settings.max_mb} MB.",
                    code="FHR-SRC-004",
                    hint="Fetch smaller pages, or raise the setting max_mb.",
                )
            if self._monotonic() > deadline:
                raise SourceError(f"{self.host} did not answer in time.", code="FHR-SRC-001", host=self.host)
        return bytes(content)

    def _parsed(self, status: int, content: bytes) -> Any:
        if not content:
            return None
        try:
            return json.loads(content, object_hook=self._object_hook, parse_constant=_no_number)
        except ValueError as cause:
            if status >= 300:
                return None  # an error page; the status says it all
            raise SourceError(
                f"{self.host} answered with {status}, but not with JSON.", code="FHR-SRC-004", host=self.host
            ) from cause

    def _refused(self, answer: Answer) -> SourceError:
        status, host = answer.status, self.host
        if status in (401, 403):
            return SourceError(
                f"{host} refused the credentials ({status}).", code="FHR-SRC-002", host=host, status=status
            )
        if status == 429:
            return SourceError(f"{host} asks for fewer requests.", code="FHR-SRC-003", host=host, status=status)
        if status >= 500:
            return SourceError(f"{host} answered with {status}.", code="FHR-SRC-001", host=host, status=status)
        if 300 <= status < 400:
            text = f"{host} sends elsewhere ({status}); set the address it is at."
            return SourceError(text, code="FHR-SRC-004", host=host, status=status)
        return SourceError(f"{host} answered with {status}.", code="FHR-SRC-004", host=host, status=status)


def _parsed(settings: WebSettings) -> SplitResult:
    try:
        url = urlsplit(settings.url)
        port = url.port
    except ValueError:
        port, url = 0, urlsplit("")
    if url.scheme not in ("http", "https") or not url.hostname or url.username is not None or port == 0:
        raise ConfigError(
            "The setting 'url' is no address of the form https://host/path without a name or password in it.",
            code="FHR-CFG-001",
        )
    if url.scheme == "http" and not settings.allow_http:
        raise ConfigError(
            "The setting 'url' is not https.", code="FHR-CFG-001", hint="Use https, or set allow_http on a safe line."
        )
    return url


def _origin(url: SplitResult) -> tuple[str, str | None, int | None]:
    return url.scheme, url.hostname, url.port or {"https": 443, "http": 80}.get(url.scheme)


def _patience(answer: Answer, number: int) -> float:
    stated = answer.headers.get("retry-after", "")
    return float(stated) if stated.isdigit() else _FIRST_PAUSE_S * 2**number


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no JSON")
