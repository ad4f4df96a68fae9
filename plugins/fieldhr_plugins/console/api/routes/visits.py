"""Visits: check-ins answered at once, outings, follow-ups, photos and voice notes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from litestar import Response, get, post, put
from litestar.params import Parameter

from fieldhr_core.errors import RecordError
from fieldhr_core.flow.attachments import Attachment
from fieldhr_core.flow.desk import Desk
from fieldhr_core.model import CheckInAnswer, Receipt
from fieldhr_plugins.console.api.gate import Asked, at_desk, body_of, caller_of
from fieldhr_plugins.console.api.once import once
from fieldhr_plugins.console.api.wire import CheckInIn, FollowUpsIn, IdPath, OutingsIn, sensible

__all__ = ["attach", "attachment", "attachments", "check_in", "put_outings", "write_follow_ups"]


@post(
    "/check-ins",
    operation_id="checkIn",
    tags=["visits"],
    status_code=200,
    summary="Check in at a customer",
    opt={"body": CheckInIn},
)
async def check_in(request: Asked) -> Response[CheckInAnswer]:
    """Record a check-in and answer with its verdict, the customer's name and current need.

    The same id again gives the first answer again.
    """
    data = await body_of(request, CheckInIn)
    value = data.value(await _whose(request, data.rep))
    return await once(request, "visits", lambda desk: desk.visits.check_in([value])[0])


@post(
    "/outings",
    operation_id="putOutings",
    tags=["visits"],
    status_code=200,
    summary="Plan or claim visits",
    opt={"body": OutingsIn},
)
async def put_outings(request: Asked) -> Response[Receipt]:
    """Store outings."""
    data = await body_of(request, OutingsIn)
    values = data.values()

    def work(desk: Desk) -> Receipt:
        count = desk.outings.put(values)
        return Receipt(submitted=count, stored=count)

    return await once(request, "visits", work)


@post(
    "/follow-ups",
    operation_id="writeFollowUps",
    tags=["visits"],
    status_code=200,
    summary="Write down contacts",
    opt={"body": FollowUpsIn},
)
async def write_follow_ups(request: Asked) -> Response[Receipt]:
    """Store visit records and other follow-ups."""
    data = await body_of(request, FollowUpsIn)
    own = (await caller_of(request)).principal.person
    if own is None and any(one.rep is None for one in data.follow_ups):
        raise RecordError("A follow-up does not say whose it is.", code="FHR-REC-007")
    values = data.values(own or "")
    return await once(request, "customer_care", lambda desk: desk.visits.write(values))


@put(
    "/attachments/{attachment_id:str}",
    operation_id="putAttachment",
    tags=["visits"],
    status_code=200,
    summary="A photo or voice note",
)
async def attach(
    request: Asked,
    attachment_id: IdPath,
    record: Annotated[str, Parameter(min_length=1, max_length=120, description="Id of what it goes with.")],
    time: Annotated[datetime, Parameter(description="When it was taken, by the device's clock.")],
    rep: Annotated[str | None, Parameter(max_length=120)] = None,
) -> Response[Attachment]:
    """Store a photo or voice note with a check-in or follow-up; the body is the file, its type the request's."""
    whose = await _whose(request, rep)
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    if time.tzinfo is None:
        raise RecordError("The time has no zone.", code="FHR-REC-002")
    sensible(time)
    return await once(
        request,
        "visits",
        lambda desk: desk.attachments.put(attachment_id, rep=whose, record=record, media=media, body=body, time=time),
    )


@get(
    "/attachments",
    operation_id="listAttachments",
    tags=["visits"],
    summary="What goes with a check-in or follow-up",
)
async def attachments(
    request: Asked, record: Annotated[str, Parameter(min_length=1, max_length=120)]
) -> list[Attachment]:
    """List what goes with a record, without opening it."""
    return list(await at_desk(request, "supervision", lambda desk: desk.attachments.of(record)))


@get(
    "/attachments/{attachment_id:str}",
    operation_id="openAttachment",
    tags=["visits"],
    summary="The file itself",
    media_type="application/octet-stream",
)
async def attachment(request: Asked, attachment_id: IdPath) -> Response[bytes]:
    """Open a photo or voice note; that it was looked at is noted."""
    known, body = await at_desk(request, "supervision", lambda desk: desk.attachments.open(attachment_id))
    # The type was held against the bytes when it came; a browser is told not to guess all the same.
    headers = {"Content-Disposition": "inline", "Content-Security-Policy": "default-src 'none'; sandbox"}
    return Response(body, media_type=known.media, headers=headers)


async def _whose(request: Asked, rep: str | None) -> str:
    whose = rep or (await caller_of(request)).principal.person
    if whose is None:
        raise RecordError("It is not said whose record this is.", code="FHR-REC-007", hint="Name the rep.")
    return whose
