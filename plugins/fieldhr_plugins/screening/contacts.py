"""``risk.frequent_contact``: again and again with a customer whom the host calls risky, and nobody was told.

A contact is a visit (a check-in or a visit record), a call or a message. What lies less than two hours apart is one
contact: a visit leaves a check-in and a record. A record of a recovery assignment, or of a report about the customer,
explains the contacts of its span.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

import attrs

from fieldhr_core.hooks import Tables
from fieldhr_core.model import (
    CHECKINS,
    CONTACTS,
    CUSTOMERS,
    FOLLOW_UPS,
    Audience,
    Evidence,
    Finding,
    Severity,
    milliseconds,
)
from fieldhr_plugins.screening.settings import ScreeningSettings

__all__ = ["CODE", "FrequentContact"]

CODE: Final = "risk.frequent_contact"
_VERSION: Final = "1"
_DAY_MS: Final = 86_400_000
#: What was not said so long is not said any more: what explained it may be out of sight.
_TOLD_DAYS: Final = 25
_ONE_CONTACT_MS: Final = 2 * 3_600_000
#: Follow-ups that are no contact with the customer.
_AT_THE_DESK: Final = frozenset({"preparation", "document"})


@attrs.frozen
class _Contact:
    at_ms: int
    record: str


class FrequentContact:
    """Live: said at the contact that makes them too many; one case a rep and customer while contacts go on."""

    codes: tuple[str, ...] = (CODE,)
    cadence = "live"

    def __init__(self, settings: ScreeningSettings) -> None:
        self._settings = settings
        #: A run as old as may be told, its length, and the time before it in which something may explain it.
        self.days = _TOLD_DAYS + 2 * settings.contact_days
        self._labels = frozenset(label.casefold() for label in settings.risky_labels)
        self._industries = frozenset(name.casefold() for name in settings.risky_industries)

    def find(self, tables: Tables, /) -> Sequence[Finding]:
        """Return one finding a rep and risky customer with so many contacts so close together."""
        why = self._risky(tables)
        if not why:
            return []
        met, excused = self._contacts(tables, set(why))
        since_ms = milliseconds(tables.as_of) - _TOLD_DAYS * _DAY_MS
        findings = []
        for (rep, customer), contacts in sorted(met.items()):
            span = self._first_run(contacts, excused.get((rep, customer), ()))
            if span and span[-1].at_ms >= since_ms:
                findings.append(self._finding(rep, customer, why[customer], span))
        return findings

    def _risky(self, tables: Tables) -> dict[str, str]:
        """Return risky customer -> the label or industry that makes it so."""
        customers = tables[CUSTOMERS]
        found = {}
        for customer, risk, industry in zip(
            customers["customer"].tolist(), customers["risk"], customers["industry"], strict=True
        ):
            if risk is not None and risk.casefold() in self._labels:
                found[customer] = risk
            elif industry is not None and industry.casefold() in self._industries:
                found[customer] = industry
        return found

    def _contacts(
        self, tables: Tables, risky: set[str]
    ) -> tuple[dict[tuple[str, str], list[_Contact]], dict[tuple[str, str], list[int]]]:
        met: dict[tuple[str, str], list[_Contact]] = {}
        excused: dict[tuple[str, str], list[int]] = {}
        notes, checkins, talks = tables[FOLLOW_UPS], tables[CHECKINS], tables[CONTACTS]
        for rep, customer, kind, at_ms, record in zip(
            notes["rep"],
            notes["customer"].tolist(),
            notes["kind"],
            notes["start_ms"].tolist(),
            notes["followup"].tolist(),
            strict=True,
        ):
            if rep is None or customer not in risky:
                continue
            if kind in self._settings.excusing_records:
                excused.setdefault((rep, customer), []).append(at_ms)
            elif kind not in _AT_THE_DESK:
                met.setdefault((rep, customer), []).append(_Contact(at_ms, record))
        for table, name, at in ((checkins, "checkin", "time_ms"), (talks, "contact", "at_ms")):
            rows = zip(table["rep"], table["customer"].tolist(), table[at].tolist(), table[name].tolist(), strict=True)
            for rep, customer, at_ms, record in rows:
                if rep is not None and customer in risky:
                    met.setdefault((rep, customer), []).append(_Contact(at_ms, record))
        return {key: _merged(contacts) for key, contacts in met.items()}, excused

    def _first_run(self, contacts: Sequence[_Contact], records: Sequence[int]) -> list[_Contact]:
        """Return the contacts of the first unexplained span that holds too many, up to the one that made them so."""
        times, within_ms = self._settings.contact_times, self._settings.contact_days * _DAY_MS
        for last in range(times - 1, len(contacts)):
            first = last - times + 1
            span = contacts[first : last + 1]
            if span[-1].at_ms - span[0].at_ms <= within_ms and not self._is_excused(records, span):
                return list(span)
        return []

    def _is_excused(self, records: Iterable[int], span: Sequence[_Contact]) -> bool:
        slack = self._settings.contact_days * _DAY_MS
        return any(span[0].at_ms - slack <= at_ms <= span[-1].at_ms for at_ms in records)

    def _finding(self, rep: str, customer: str, why: str, span: Sequence[_Contact]) -> Finding:
        opened = datetime.fromtimestamp(span[-1].at_ms / 1000, tz=UTC)
        days = (span[-1].at_ms - span[0].at_ms) // _DAY_MS + 1
        return Finding(
            code=CODE,
            subject_kind="customer",
            subject=customer,
            rep=rep,
            instance=f"{rep}/{span[0].record}",
            opened_at=opened,
            closed_at=opened,
            severity=Severity.HIGH,
            confidence=0.9,
            rule=CODE,
            version=_VERSION,
            thresholds={"contact_times": self._settings.contact_times, "contact_days": self._settings.contact_days},
            evidence=(
                Evidence(kind="contact", ids=tuple(one.record for one in span), facts={"days": days}),
                Evidence(kind="customer", ids=(customer,), facts={"risk": why}),
            ),
            explanation=CODE,
            params={"rep": rep, "customer": customer, "times": len(span), "days": days, "risk": why},
            advice=f"{CODE}.advice",
            readings=(f"{CODE}.reading.unaware", f"{CODE}.reading.held_back"),
            audience=(Audience.MANAGER, Audience.COMPLIANCE),
        )


def _merged(contacts: list[_Contact]) -> list[_Contact]:
    """Return contacts in order, with what belongs to one meeting or call once: its earliest trace."""
    found: list[_Contact] = []
    for one in sorted(contacts, key=lambda each: (each.at_ms, each.record)):
        if not found or one.at_ms - found[-1].at_ms >= _ONE_CONTACT_MS:
            found.append(one)
    return found
