"""Checkpoints of the trail, signed and handed to a witness outside the database, at least once a minute of work.

Whoever holds the database and every key can still not change what a witness has seen. A checkpoint is also made when
nothing happened: a witness that hears nothing for long knows that something is wrong.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any, Final

from fieldhr_core.store.audit import chain_key, checkpoint_key, events_of, witness_beside
from fieldhr_core.store.rows import canonical_json, put
from fieldhr_core.trust.audit import Checkpoint, Frontier, Witness, checkpoint, link_many, public_key, start

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting, Unit

__all__ = ["CHECKPOINT_EVERY_MS", "last_checkpoint", "signer", "witness_of", "witness_trail"]

#: At the latest after this long, while the runtime is advanced at least as often.
CHECKPOINT_EVERY_MS: Final = 60_000
_EVENTS: Final = 1_000
_log = logging.getLogger(__name__)


def witness_of(acting: Acting, unit: Unit) -> Witness | None:
    """Return the witness the tenant's setting ``witness`` names, a file or an address; ``None`` where there is none."""
    place = acting.facts(unit).settings.get("witness")
    return witness_beside(unit.connection, place) if place else None


def witness_trail(acting: Acting) -> Checkpoint | None:
    """Sign where the tenant's trail stands and give it to the witness, if it is time to. Return what was signed.

    A witness that cannot be reached is named in the log and tried again the next time; the doctor sees the silence.
    """
    with acting.unit() as unit:
        witness = witness_of(acting, unit)
    if witness is None:
        return None
    last = last_checkpoint(acting)
    with acting.unit() as unit:
        signed = _signed(acting, unit, last)
    if signed is None:
        return None
    try:
        witness.publish(signed)
    except OSError as failure:
        _log.warning("The witness of tenant %s cannot be reached: %s", acting.tenant, failure.strerror)
        return None
    # After the witness has it: a process that dies in between makes the same checkpoint once more.
    row = {"key": checkpoint_key(acting.tenant), "value": canonical_json(signed.as_record()).decode()}
    with acting.house.binding.transaction(write=True) as connection:
        put(connection, acting.tables.meta, [row])
    return signed


def last_checkpoint(acting: Acting) -> Checkpoint | None:
    """Return the last checkpoint that was made, as the store remembers it."""
    import sqlalchemy as sa

    table = acting.tables.meta
    with acting.house.binding.transaction(write=False) as connection:
        wanted = sa.select(table.c.value).where(table.c.key == checkpoint_key(acting.tenant))
        text = connection.execute(wanted).scalar()
    return None if text is None else Checkpoint.from_record(json.loads(text))


def signer(acting: Acting, unit: Unit) -> bytes:
    """Return the key with which everybody can check the tenant's checkpoints."""
    return public_key(unit.vault.secret(acting.tenant, "audit", "checkpoint"))


def _signed(acting: Acting, unit: Unit, last: Checkpoint | None) -> Checkpoint | None:
    key = chain_key(unit.vault, acting.tenant)
    rows = list(events_of(unit.connection, acting.tables, acting.tenant, after=0 if last is None else last.seq))
    is_due = last is None or len(rows) >= _EVENTS or unit.at_ms - last.at_ms >= CHECKPOINT_EVERY_MS
    if not is_due:
        return None
    seq, mac = (0, start(key, acting.tenant)) if last is None else (last.seq, last.mac)
    events = [event for event, _ in rows]
    macs: list[Any] = link_many(mac, key, events)
    if [event.seq for event in events] != list(range(seq + 1, seq + 1 + len(events))) or macs != [m for _, m in rows]:
        # What does not hold is never signed; the nightly proof says where it breaks.
        _log.error("The trail of tenant %s does not hold since its last checkpoint.", acting.tenant)
        return None
    frontier = (Frontier() if last is None else last.frontier).add(event.canonical() for event in events)
    return checkpoint(
        unit.vault.secret(acting.tenant, "audit", "checkpoint"),
        tenant=acting.tenant,
        seq=seq + len(events),
        mac=macs[-1] if macs else mac,
        frontier=frontier,
        at_ms=unit.at_ms,
    )
