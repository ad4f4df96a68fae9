"""Positions in: what apps send, each answered as it expects, and columns for whole fleets."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import HttpMethod, Response, post, route
from litestar.enums import MediaType
from litestar.params import Parameter

from fieldhr_core.errors import AccessError, RecordError
from fieldhr_core.hooks import Caller
from fieldhr_core.model import REPORTED, Coded, Envelope, Receipt, Table
from fieldhr_plugins.console.api.gate import Asked, body_of, caller_of, gate_of, site_of
from fieldhr_plugins.console.api.once import once
from fieldhr_plugins.console.api.problems import PROBLEM, Problem
from fieldhr_plugins.console.api.wire import ColumnsIn

__all__ = ["SOURCES", "columns", "receive", "receive_with_key"]

#: Sources that arrive by HTTP. Files are imported, not posted.
SOURCES = ("owntracks", "osmand", "traccar", "overland", "gpslogger", "mobile")

Source = Annotated[str, Parameter(pattern=f"^({'|'.join(SOURCES)})$", description="The app that sends.")]
Rep = Annotated[str | None, Parameter(max_length=120, description="Whose phone it is; a rep leaves it out.")]


def _named(name: str) -> Any:
    """Return what names an operation by its method too: ``receivePositionsGet``."""
    return lambda _handler, method, _path: f"{name}{method.value.title()}"


@post(
    "/positions",
    operation_id="recordPositions",
    tags=["positions"],
    status_code=200,
    summary="Positions as columns",
    opt={"body": ColumnsIn},
)
async def columns(request: Asked) -> Response[Receipt]:
    """Take in positions of any reps as columns; answer when they are durable and their days are judged."""
    data = await body_of(request, ColumnsIn)
    return await once(request, "integration", lambda desk: desk.positions.record(_table(data), datum=data.datum))


@route(
    "/positions/{source:str}",
    http_method=[HttpMethod.GET, HttpMethod.POST],
    operation_id=_named("receivePositions"),
    tags=["positions"],
    status_code=200,
    summary="One payload of an app",
    media_type=MediaType.JSON,
)
async def receive(request: Asked, source: Source, rep: Rep = None) -> Response[Any]:
    """Take in what a phone app sends as it is, and answer so that the app clears its queue."""
    return await _receive(request, source, rep, await caller_of(request))


@route(
    "/positions/{source:str}/{key:str}",
    http_method=[HttpMethod.GET, HttpMethod.POST],
    operation_id=_named("receivePositionsWithKey"),
    tags=["positions"],
    status_code=200,
    summary="One payload of an app that cannot send a header",
    media_type=MediaType.JSON,
    opt={"open": True},
)
async def receive_with_key(
    request: Asked,
    source: Source,
    key: Annotated[str, Parameter(max_length=800, description="A token of the rep whose phone it is.")],
) -> Response[Any]:
    """Take in what a phone app sends that can be given nothing but an address."""
    scope = {**request.scope, "headers": [(b"authorization", b"Bearer " + key.encode("utf-8", "replace"))]}
    scope.pop("fieldhr.caller", None)
    caller = await site_of(request).caller(scope)
    return await _receive(request, source, None, gate_of(request).require_known(request, caller))


async def _receive(request: Asked, source: str, rep: str | None, caller: Caller) -> Response[Any]:
    whose = rep or caller.principal.person
    if whose is None:
        raise RecordError("It is not said whose phone this is.", code="FHR-REC-007", hint="Add ?rep=ID.")
    if rep is not None and caller.principal.person is not None and rep != caller.principal.person:
        raise AccessError("A rep hands in their own positions only.", code="FHR-ACC-003")
    envelope = Envelope(
        source=source,
        method=request.method,
        query=_without_rep(request.scope["query_string"].decode("latin-1")),
        headers={name.lower(): value for name, value in request.headers.items() if name.lower() not in _KEPT_BACK},
        body=await request.body(),
    )
    site = site_of(request)
    received = await site.at_desk(caller, "visits", lambda desk: desk.positions.receive(envelope, rep=whose))
    decoded = received.decoded
    if decoded.rejected is not None and not decoded.reply:
        # The app keeps what it has: perhaps it can be read tomorrow.
        problem = Problem(
            title="The payload cannot be read", status=422, code="FHR-REC-006", detail=decoded.rejected.code
        )
        return Response(problem, status_code=422, media_type=PROBLEM)
    return Response(decoded.reply or b"{}", status_code=200, media_type=MediaType.JSON)


_KEPT_BACK = frozenset({"authorization", "cookie", "x-csrf-token"})


def _without_rep(query: str) -> str:
    return "&".join(part for part in query.split("&") if not part.startswith("rep="))


def _table(given: ColumnsIn) -> Table:
    """Return the columns as ``REPORTED``; a number that no column can hold is refused like any other bad value."""
    try:
        return _columns(given)
    except OverflowError as cause:
        raise RecordError("A number is too large for its column.", code="FHR-REC-001") from cause


def _columns(given: ColumnsIn) -> Table:
    import numpy as np

    count = len(given.time_ms)
    more: dict[str, Any] = {}
    for name in ("accuracy_m", "speed_mps", "battery_pct"):
        column = getattr(given, name)
        if column is not None:
            more[name] = np.asarray(column, dtype="f8")
    if given.mock is not None:
        more["mock"] = np.asarray(given.mock, dtype="i8").clip(-1, 1).astype("i1")
    if given.devices is not None:
        more["device"] = _coded("device", given.device, given.devices, count)
    times = np.asarray(given.time_ms, dtype="i8")
    if len(times) and (times.min() < _EARLIEST_MS or times.max() > _LATEST_MS):
        raise RecordError("A time lies outside 1970 to 2100.", code="FHR-REC-001")
    return REPORTED.table(
        rep=_coded("rep", given.rep, given.reps, count),
        time_ms=times,
        lat=np.asarray(given.lat, dtype="f8"),
        lon=np.asarray(given.lon, dtype="f8"),
        **more,
    )


_EARLIEST_MS, _LATEST_MS = 0, 4_102_444_800_000


def _coded(name: str, codes: list[int] | None, values: list[str], count: int) -> Coded:
    import numpy as np

    if codes is None:
        if len(values) != 1:
            raise RecordError(f"The column {name!r} is missing.", code="FHR-REC-004")
        return Coded.same(values[0], count)
    try:
        array = np.asarray(codes, dtype="i4")
    except OverflowError as cause:
        raise RecordError(f"The column {name!r} points outside its list.", code="FHR-REC-004") from cause
    if len(array) and (array.min() < 0 or array.max() >= len(values)):
        raise RecordError(f"The column {name!r} points outside its list.", code="FHR-REC-004")
    if len(set(values)) != len(values):
        raise RecordError(f"The list of {name}s names one twice.", code="FHR-REC-004")
    return Coded(array, tuple(values))
