"""Tokens: what a program, a phone or a browser shows instead of a host's login. Only digests of them are kept."""

from __future__ import annotations

import base64
import hashlib
import secrets
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import TYPE_CHECKING, Final

import attrs

from fieldhr_core.errors import AccessError, ConfigError, RecordError
from fieldhr_core.hooks.applications import Caller
from fieldhr_core.model import Principal, Role, instant, milliseconds
from fieldhr_core.trust.purposes import Purpose

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import House

__all__ = ["Token", "Tokens"]

#: What a token begins with, so that scanners for leaked secrets know it.
_MARK: Final = "fhr"
_LONGEST: Final = 800


@attrs.frozen(kw_only=True)
class Token:
    """A token as the store knows it, without its secret.

    Attributes:
        id: names it in lists and in the trail.
        principal: whom it acts as.
        purpose: the only purpose it acts for; empty: the one each page and route states.
        created, expires: aware instants.
        revoked: when it was taken back; ``None``: it was not.
    """

    id: str
    principal: Principal
    purpose: str
    created: datetime
    expires: datetime
    revoked: datetime | None = None


class Tokens:
    """The runtime's register of tokens; for the host, not for principals."""

    def __init__(self, house: House) -> None:
        self._house = house

    def create(self, principal: Principal, *, lasts: timedelta, purpose: str = "", by: str = "host") -> str:
        """Make a token and return it: it is shown this once and kept nowhere.

        Args:
            principal: whom it acts as.
            lasts: how long it is valid.
            purpose: of :class:`~fieldhr_core.trust.purposes.Purpose`: it acts for no other; empty: as each page says.
            by: who made it, for the trail.

        Raises:
            AccessError: FHR-ACC-001 where there is no such tenant.
            ConfigError: FHR-CFG-001 for an unknown purpose.
            RecordError: FHR-REC-001 where it would never be valid.
        """
        import sqlalchemy as sa

        from fieldhr_core.flow.acting import Acting

        if purpose and purpose not in set(Purpose):
            raise ConfigError(f"There is no purpose {purpose!r}.", code="FHR-CFG-001", hint=", ".join(sorted(Purpose)))
        if lasts <= timedelta(0):
            raise RecordError("A token that never is valid is of no use.", code="FHR-REC-001")
        ident, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
        host = Principal(tenant=principal.tenant, id=by, role=Role.ADMIN)
        acting = Acting(self._house, host, Purpose.ADMINISTRATION)
        with acting.unit() as unit:
            acting.facts(unit)
            with unit.housework():
                unit.connection.execute(
                    sa.insert(acting.tables.tokens).values(
                        tenant=principal.tenant,
                        id=ident,
                        digest=_digest(secret),
                        principal=principal.id,
                        role=Role(principal.role).value,
                        person=principal.person,
                        purpose=purpose,
                        created_ms=unit.at_ms,
                        expires_ms=unit.at_ms + milliseconds(instant(0) + lasts),
                    )
                )
            unit.audit("tokens.create", "token", ident, principal=principal.id, role=principal.role.value)
        tenant = base64.urlsafe_b64encode(principal.tenant.encode()).decode().rstrip("=")
        return f"{_MARK}.{tenant}.{ident}.{secret}"

    def revoke(self, tenant: str, token: str, *, by: str = "host") -> None:
        """Take a token back, by its id; it is refused from now on.

        Raises:
            AccessError: FHR-ACC-001 where the tenant has none of that id.
        """
        import sqlalchemy as sa

        from fieldhr_core.flow.acting import Acting

        acting = Acting(self._house, Principal(tenant=tenant, id=by, role=Role.ADMIN), Purpose.ADMINISTRATION)
        table = acting.tables.tokens
        with acting.unit() as unit:
            with unit.housework():
                mine = sa.and_(table.c.tenant == tenant, table.c.id == token)
                row = unit.connection.execute(sa.select(table.c.revoked_ms).where(mine)).first()
                if row is None:
                    raise AccessError("There is no such token.", code="FHR-ACC-001")
                if row.revoked_ms is None:
                    unit.connection.execute(sa.update(table).where(mine).values(revoked_ms=unit.at_ms))
            unit.audit("tokens.revoke", "token", token)

    def list(self, tenant: str) -> list[Token]:
        """Return a tenant's tokens, the newest first; also those that are no longer valid."""
        import sqlalchemy as sa

        table = self._house.tables.tokens
        with self._house.binding.transaction(write=False) as connection:
            rows = connection.execute(
                sa.select(table).where(table.c.tenant == tenant).order_by(table.c.created_ms.desc(), table.c.id)
            ).all()
        return [
            Token(
                id=row.id,
                principal=_principal(row),
                purpose=row.purpose,
                created=instant(row.created_ms),
                expires=instant(row.expires_ms),
                revoked=None if row.revoked_ms is None else instant(row.revoked_ms),
            )
            for row in rows
        ]

    def caller(self, text: str) -> Caller | None:
        """Return who shows a token; ``None`` for one that is unknown, expired or taken back, and it is not told which.

        Never raises for whatever *text* is.
        """
        import sqlalchemy as sa

        parts = text.split(".")
        if len(parts) != 4 or parts[0] != _MARK or len(text) > _LONGEST:
            return None
        tenant, ident, secret = _tenant(parts[1]), parts[2].replace("\0", ""), parts[3]
        table, now_ms = self._house.tables.tokens, self._house.now_ms()
        with self._house.binding.transaction(write=False) as connection:
            mine = sa.and_(table.c.tenant == tenant, table.c.id == ident)
            row = connection.execute(sa.select(table).where(mine)).first()
        # The digest is compared even where nothing was found: an unknown id takes as long as a known one.
        is_right = compare_digest(row.digest if row is not None else _digest(""), _digest(secret))
        if row is None or not is_right or row.revoked_ms is not None or row.expires_ms <= now_ms:
            return None
        return Caller(principal=_principal(row), purpose=row.purpose, session=ident)


def _principal(row: object) -> Principal:
    return Principal(tenant=row.tenant, id=row.principal, role=Role(row.role), person=row.person)  # type: ignore[attr-defined] # a row


def _tenant(encoded: str) -> str:
    try:
        # A tenant that no database can hold is none.
        return base64.urlsafe_b64decode(f"{encoded}==").decode().replace("\0", "")
    except (ValueError, UnicodeDecodeError):
        return ""


def _digest(secret: str) -> str:
    # A random secret of 256 bits needs no slow hash: there is nothing to guess.
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
