"""What administrators and auditors look at: the tenant, plugins, the trail, tokens."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from litestar import delete, get, post
from litestar.params import Parameter

from fieldhr_core.errors import AccessError
from fieldhr_core.flow.tokens import Token
from fieldhr_core.model import Principal, Role, instant
from fieldhr_plugins.console.api.gate import Asked, at_desk, body_of, caller_of, site_of
from fieldhr_plugins.console.api.wire import IdPath, TokenIn

__all__ = ["create_token", "doctor", "faults", "plugins", "revoke_token", "tenant", "tokens", "trail", "verify_trail"]


class PluginOut(msgspec.Struct, kw_only=True):
    """How one plugin fares."""

    name: str
    distribution: str
    status: str
    version: str
    summary: str
    reason: str
    fix: str
    families: list[str]


class AnswerOut(msgspec.Struct, kw_only=True):
    """What came of one question: ``ok``, ``fault``, or ``skipped`` for want of something."""

    code: str
    status: str
    cause: str
    remedy: str


class FaultOut(msgspec.Struct, kw_only=True):
    """How often one provider of a plugin failed in one way."""

    plugin: str
    provider: str
    kind: str
    count: int
    detail: str


class EventOut(msgspec.Struct, kw_only=True):
    """One event of the audit trail."""

    seq: int
    at: datetime
    actor: str
    role: str
    purpose: str
    action: str
    object_kind: str
    object: str
    detail: str


class EventPage(msgspec.Struct, kw_only=True):
    """Events after a place of the trail, and the place to go on from; null at its end."""

    items: list[EventOut]
    next: int | None


class ChainOut(msgspec.Struct, kw_only=True):
    """Whether the trail holds, and the first place that does not."""

    holds: bool
    events: int
    first_broken: int | None


class TokenOut(msgspec.Struct, kw_only=True):
    """A token without its secret; ``token`` is the token itself, in the answer to its creation only."""

    id: str
    principal: str
    role: str
    person: str | None
    purpose: str
    created: datetime
    expires: datetime
    revoked: datetime | None
    token: str | None = None


class TenantOut(msgspec.Struct, kw_only=True):
    """The caller's tenant."""

    id: str
    name: str
    zone: str
    simulated: bool


@get("/tenant", operation_id="readTenant", tags=["running"], summary="The caller's tenant")
async def tenant(request: Asked) -> TenantOut:
    """Return the caller's tenant."""
    facts = await at_desk(request, "administration", lambda desk: desk.tenant())
    return TenantOut(id=facts.id, name=facts.name, zone=facts.pattern.zone, simulated=facts.simulated)


@get("/plugins", operation_id="listPlugins", tags=["running"], summary="How every plugin fares")
async def plugins(request: Asked) -> list[PluginOut]:
    """List every plugin that was found."""
    await _require(request, Role.ADMIN, Role.AUDITOR)
    return [
        PluginOut(
            name=one.name,
            distribution=one.distribution,
            status=one.status.value,
            version=one.version,
            summary=one.summary,
            reason=one.reason,
            fix=one.fix,
            families=list(one.families),
        )
        for one in site_of(request).hr.plugins
    ]


@get("/doctor", operation_id="examine", tags=["running"], summary="What is wrong, why, and what to do")
async def doctor(request: Asked) -> list[AnswerOut]:
    """Ask every question of the doctor; nothing is mended.

    Where several tenants share the store, causes and remedies are the operator's: they may name the others.
    """
    await _require(request, Role.ADMIN)
    site = site_of(request)
    answers = await site.run(site.hr.examine)
    is_alone = len(await site.run(site.hr.tenants.list)) == 1
    return [
        AnswerOut(
            code=one.code,
            status=one.status,
            cause=one.cause if is_alone else "",
            remedy=one.remedy if is_alone else "",
        )
        for one in answers
    ]


@get("/plugins/faults", operation_id="listFaults", tags=["running"], summary="What plugins did wrong")
async def faults(request: Asked) -> list[FaultOut]:
    """List what plugins did wrong for the caller's tenant since the runtime was opened."""
    who = await _require(request, Role.ADMIN, Role.AUDITOR)
    return [
        FaultOut(plugin=one.plugin, provider=one.provider, kind=one.kind.value, count=one.count, detail=one.detail)
        for one in site_of(request).hr.faults
        if one.tenant in ("", who.tenant)
    ]


@get("/trail", operation_id="readTrail", tags=["running"], summary="The audit trail")
async def trail(
    request: Asked,
    after: Annotated[int, Parameter(ge=0, le=9_007_199_254_740_991, description="Events with a larger number.")] = 0,
    limit: Annotated[int, Parameter(ge=1, le=1_000)] = 100,
) -> EventPage:
    """Return events of the audit trail in their order."""
    found = await at_desk(request, "audit", lambda desk: desk.trail.list(after=after, limit=limit))
    items = [
        EventOut(
            seq=one.seq,
            at=instant(one.at_ms),
            actor=one.actor,
            role=one.role,
            purpose=one.purpose,
            action=one.action,
            object_kind=one.object_kind,
            object=one.object,
            detail=one.detail,
        )
        for one in found
    ]
    return EventPage(items=items, next=items[-1].seq if len(items) == limit else None)


@get("/trail/verify", operation_id="verifyTrail", tags=["running"], summary="Whether the trail holds")
async def verify_trail(request: Asked) -> ChainOut:
    """Read the tenant's whole trail and say whether it holds."""
    chain = await at_desk(request, "audit", lambda desk: desk.trail.verify())
    broken = None if chain.broken is None else chain.broken.seq
    return ChainOut(holds=chain.broken is None, events=chain.events, first_broken=broken)


@get("/tokens", operation_id="listTokens", tags=["running"], summary="Tokens, the newest first")
async def tokens(request: Asked) -> list[TokenOut]:
    """List the tenant's tokens."""
    who = await _require(request, Role.ADMIN)
    site = site_of(request)
    return [_shown(one) for one in await site.run(site.hr.tokens.list, who.tenant)]


@post(
    "/tokens",
    operation_id="createToken",
    tags=["running"],
    status_code=201,
    summary="Make a token",
    opt={"body": TokenIn},
)
async def create_token(request: Asked) -> TokenOut:
    """Make a token; it is shown in this answer and never again."""
    data = await body_of(request, TokenIn)
    who = await _require(request, Role.ADMIN)
    site = site_of(request)
    principal = Principal(tenant=who.tenant, id=data.principal, role=Role(data.role), person=data.person)

    def work() -> TokenOut:
        text = site.hr.tokens.create(principal, lasts=timedelta(days=data.days), purpose=data.purpose, by=who.id)
        ident = text.split(".")[2]
        found = next(one for one in site.hr.tokens.list(who.tenant) if one.id == ident)
        return msgspec.structs.replace(_shown(found), token=text)

    return await site.run(work)


@delete(
    "/tokens/{token_id:str}", operation_id="revokeToken", tags=["running"], status_code=204, summary="Take one back"
)
async def revoke_token(request: Asked, token_id: IdPath) -> None:
    """Take a token back."""
    who = await _require(request, Role.ADMIN)
    site = site_of(request)
    await site.run(lambda: site.hr.tokens.revoke(who.tenant, token_id, by=who.id))


async def _require(request: Asked, *roles: Role) -> Principal:
    principal = (await caller_of(request)).principal
    if principal.role not in roles:
        raise AccessError("The role may not do this.", code="FHR-ACC-003", role=principal.role.value)
    return principal


def _shown(one: Token) -> TokenOut:
    return TokenOut(
        id=one.id,
        principal=one.principal.id,
        role=one.principal.role.value,
        person=one.principal.person,
        purpose=one.purpose,
        created=one.created,
        expires=one.expires,
        revoked=one.revoked,
    )
