"""Who is there, and what time it is here."""

from __future__ import annotations

from datetime import datetime

import msgspec
from litestar import get

from fieldhr_plugins.console.api.gate import Asked, caller_of, site_of

__all__ = ["Session", "read"]


class Session(msgspec.Struct, kw_only=True):
    """Who the request comes from.

    ``form_token`` goes into the header ``X-CSRF-Token`` of every state change that is authenticated by a cookie;
    ``server_time`` is the runtime's clock.
    """

    tenant: str
    principal: str
    role: str
    person: str | None
    purpose: str
    form_token: str
    server_time: datetime


@get("/session", operation_id="readSession", tags=["session"], summary="Who the request comes from")
async def read(request: Asked) -> Session:
    """Tell who the request comes from."""
    site, caller = site_of(request), await caller_of(request)
    who = caller.principal
    return Session(
        tenant=who.tenant,
        principal=who.id,
        role=who.role.value,
        person=who.person,
        purpose=caller.purpose,
        form_token=site.form_token(caller),
        server_time=site.hr.clock.now(),
    )
