"""The HTTP interface as one ASGI application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import msgspec
from litestar import Litestar, Request, Response, get
from litestar.datastructures import State

from fieldhr_plugins.console.api.gate import Gate, Rate
from fieldhr_plugins.console.api.openapi import CONFIG, described
from fieldhr_plugins.console.api.problems import HANDLERS
from fieldhr_plugins.console.api.routes import cases, people, positions, records, running, scores, session, visits

if TYPE_CHECKING:
    from fieldhr_core.hooks import Site
    from fieldhr_core.hooks.applications import ASGI

__all__ = ["api", "description"]

#: Requests a second that one principal may go on sending, and that an unknown address may; what may come at once.
KNOWN, UNKNOWN = (50.0, 600.0), (2.0, 60.0)
_ROUTES = (
    session.read,
    positions.columns,
    positions.receive,
    positions.receive_with_key,
    visits.check_in,
    visits.put_outings,
    visits.write_follow_ups,
    visits.attach,
    visits.attachments,
    visits.attachment,
    records.customers,
    records.customer,
    records.submit_customers,
    records.submit_messages,
    records.submit,
    cases.alerts,
    cases.inbox,
    cases.alert,
    cases.options,
    cases.take_step,
    cases.replay,
    people.people,
    people.put_people,
    people.standing,
    people.absent,
    people.record_basis,
    people.withdraw_basis,
    people.own_view,
    people.day,
    scores.metrics,
    scores.scorecards,
    scores.in_words,
    running.tenant,
    running.plugins,
    running.faults,
    running.doctor,
    running.trail,
    running.verify_trail,
    running.tokens,
    running.create_token,
    running.revoke_token,
)


def api(site: Site) -> ASGI:
    """Return the interface of a site."""
    gate = Gate(site, Rate(*KNOWN), Rate(*UNKNOWN))
    application = Litestar(
        route_handlers=[*_ROUTES, _description],
        guards=[gate],
        exception_handlers=HANDLERS,
        state=State({"site": site, "gate": gate, "description": None}),
        openapi_config=None,  # its own pages would show themselves; the description is answered below
        logging_config=None,
        request_max_body_size=None,  # the mount holds every body to a size
        debug=False,
    )
    return cast("ASGI", application)


def description() -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of the interface."""
    return described(Litestar(route_handlers=list(_ROUTES), openapi_config=CONFIG, logging_config=None))


@get("/openapi.json", include_in_schema=False, opt={"open": True}, sync_to_thread=False)
def _description(request: Request[Any, Any, Any]) -> Response[bytes]:
    state = request.app.state
    if state.description is None:
        state.description = msgspec.json.encode(description())
    return Response(state.description, media_type="application/json")
