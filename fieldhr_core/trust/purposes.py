"""Why somebody looks, and what kinds of sealed data each reason opens. Both lists are closed."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

__all__ = ["OPENS", "PER_PERSON", "DataClass", "Purpose", "opens"]


class DataClass(enum.StrEnum):
    """What a sealed value is about; each class has keys of its own."""

    CONTACT = "contact"
    """Names, addresses, needs, homes and other places."""
    IDENTITY = "identity"
    """Numbers of identity cards, licences, accounts and phones."""
    WHEREABOUTS = "whereabouts"
    """Fixes, stays and everything else that says where somebody was."""
    MESSAGE = "message"
    """What was said or written to customers, and what checks found in it."""
    CASE = "case"
    """Alerts, their evidence, explanations and decisions."""
    PAY = "pay"
    """Salaries, commissions, payslips."""
    BIOMETRIC = "biometric"
    """Templates of faces and voices; nothing built in stores any."""
    AUDIT = "audit"
    """The secret of the audit chain; no values."""


#: Classes whose keys belong to one person each, so that destroying a key forgets the person.
PER_PERSON: Final = frozenset({DataClass.WHEREABOUTS, DataClass.BIOMETRIC})


class Purpose(enum.StrEnum):
    """Why a desk is open. It is written into every audit event and limits what can be opened."""

    VISITS = "visits"
    """Planning, making and verifying visits: the rep's and their manager's day."""
    CUSTOMER_CARE = "customer_care"
    """Keeping customer records, and talking with customers."""
    SUPERVISION = "supervision"
    """Leading reps: their alerts, cases and reports."""
    COMPLIANCE = "compliance"
    """Checking customers, messages and sales against the rules."""
    PERFORMANCE = "performance"
    """Scorecards and talent. Never opens whereabouts: scores see counts of visits, not positions."""
    PAYROLL = "payroll"
    """Working days, absences and pay. Never opens whereabouts or messages."""
    AUDIT = "audit"
    """Proving what was done. Opens nothing sealed."""
    SUBJECT_ACCESS = "subject_access"
    """Showing a person everything held about them."""
    ADMINISTRATION = "administration"
    """Setting up tenants, people, calendars and plugins."""
    INTEGRATION = "integration"
    """Another system handing records in and fetching results."""
    OPERATIONS = "operations"
    """The runtime's own scheduled work: resolving days, raising alerts, sealing, delivering."""


#: Purpose -> classes of sealed data it opens.
OPENS: Final[Mapping[Purpose, frozenset[DataClass]]] = MappingProxyType(
    {
        Purpose.VISITS: frozenset({DataClass.CONTACT, DataClass.WHEREABOUTS, DataClass.CASE}),
        Purpose.CUSTOMER_CARE: frozenset({DataClass.CONTACT, DataClass.IDENTITY, DataClass.MESSAGE, DataClass.CASE}),
        Purpose.SUPERVISION: frozenset({DataClass.CONTACT, DataClass.WHEREABOUTS, DataClass.MESSAGE, DataClass.CASE}),
        Purpose.COMPLIANCE: frozenset({DataClass.CONTACT, DataClass.IDENTITY, DataClass.MESSAGE, DataClass.CASE}),
        Purpose.PERFORMANCE: frozenset({DataClass.CONTACT, DataClass.CASE}),
        Purpose.PAYROLL: frozenset({DataClass.CONTACT, DataClass.IDENTITY, DataClass.PAY}),
        Purpose.AUDIT: frozenset(),
        Purpose.SUBJECT_ACCESS: frozenset(set(DataClass) - {DataClass.AUDIT}),
        Purpose.ADMINISTRATION: frozenset({DataClass.CONTACT, DataClass.CASE}),
        # Records that are handed in are resolved, checked and alerted on at once, in the same call.
        Purpose.INTEGRATION: frozenset({DataClass.CONTACT, DataClass.WHEREABOUTS, DataClass.MESSAGE, DataClass.CASE}),
        Purpose.OPERATIONS: frozenset({DataClass.CONTACT, DataClass.WHEREABOUTS, DataClass.MESSAGE, DataClass.CASE}),
    }
)


def opens(purpose: str, data_class: str) -> bool:
    """Return whether *purpose* opens sealed values of *data_class*; an unknown purpose opens nothing."""
    return data_class in OPENS.get(purpose, frozenset())  # type: ignore[call-overload] # text finds its StrEnum
