"""The register of personal fields: what is held about people, why, how it is protected, and for how long.

Every column of every table is either here or named as technical, so that a new column cannot slip in unclassified: a
test holds both lists against the schema. The page in the reference and the record of processing are made from it.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

import attrs

from fieldhr_core.trust.purposes import OPENS, DataClass, Purpose

__all__ = ["FIELDS", "RETENTION", "TECHNICAL", "Field", "Keeping", "Level", "as_markdown", "unregistered"]


class Level(enum.StrEnum):
    """How much harm a leak does, by the classes of JR/T 0171-2020. C3, authentication data, is held nowhere here."""

    C1 = "C1"
    """For use inside the institution."""
    C2 = "C2"
    """Could identify a person or tell of their circumstances."""


class Keeping(enum.StrEnum):
    """For how long a field is kept; see :data:`RETENTION`."""

    RELATION = "relation"
    PRECISION = "precision"
    CASE = "case"
    RECORD = "record"
    TRAIL = "trail"
    TRANSIT = "transit"


#: What each way of keeping means.
RETENTION: Final[Mapping[Keeping, str]] = MappingProxyType(
    {
        Keeping.RELATION: "As long as the host says that the person works here or the customer is one.",
        Keeping.PRECISION: "Loses precision with age: raw, grid, visits, counts (`fieldhr_core.trust.retention`).",
        Keeping.CASE: "Until the case is closed, then as long as the tenant's rule says; a legal hold is dated.",
        Keeping.RECORD: "As long as the law asks for proof of the business; the tenant's rule says how long.",
        Keeping.TRAIL: "At least six months (Cybersecurity Law of China, art. 21); never changed, never cut.",
        Keeping.TRANSIT: "Until it is delivered or decided.",
    }
)

_VISITS: Final = (Purpose.VISITS, Purpose.SUPERVISION)
_CARE: Final = (Purpose.VISITS, Purpose.CUSTOMER_CARE, Purpose.COMPLIANCE)
_NOTES: Final = (Purpose.CUSTOMER_CARE, Purpose.COMPLIANCE)
_CONDUCT: Final = (Purpose.COMPLIANCE, Purpose.SUPERVISION)
_STAFF: Final = (Purpose.SUPERVISION, Purpose.PAYROLL, Purpose.ADMINISTRATION)
_SCORE: Final = (Purpose.PERFORMANCE, Purpose.SUPERVISION)


@attrs.frozen(kw_only=True)
class Field:
    """One column that holds something about a person.

    Attributes:
        holds: what, in words.
        level: see :class:`Level`.
        sensitive: whether the Chinese law on personal information (PIPL, art. 28) or practice counts it as sensitive.
        purposes: why it is held.
        keeping: for how long.
        data_class: class of the keys that seal it; ``None``: it stands in the clear, because statements must find or
            count it.
        per_person: whether the key is the person's own, so that it can be forgotten.
    """

    holds: str
    level: Level = Level.C2
    sensitive: bool = False
    purposes: tuple[Purpose, ...]
    keeping: Keeping
    data_class: DataClass | None = None
    per_person: bool = False


def _who(*purposes: Purpose, keeping: Keeping = Keeping.RELATION, holds: str = "Id of the person.") -> Field:
    return Field(holds=holds, level=Level.C1, purposes=purposes, keeping=keeping)


def _clear(holds: str, purposes: tuple[Purpose, ...], keeping: Keeping, *, sensitive: bool = False) -> Field:
    return Field(holds=holds, purposes=purposes, keeping=keeping, sensitive=sensitive)


def _sealed(
    holds: str,
    data_class: DataClass,
    purposes: tuple[Purpose, ...],
    keeping: Keeping,
    *,
    sensitive: bool = False,
    per_person: bool = False,
) -> Field:
    return Field(
        holds=holds,
        data_class=data_class,
        purposes=purposes,
        keeping=keeping,
        sensitive=sensitive,
        per_person=per_person,
    )


_RELATION, _PRECISION, _CASE = Keeping.RELATION, Keeping.PRECISION, Keeping.CASE
_RECORD, _TRAIL, _TRANSIT = Keeping.RECORD, Keeping.TRAIL, Keeping.TRANSIT

#: (table, column) -> what it holds.
FIELDS: Final[Mapping[tuple[str, str], Field]] = MappingProxyType(
    {
        ("keys", "person"): _who(Purpose.ADMINISTRATION),
        ("people", "id"): _who(*_STAFF),
        ("people", "name_sealed"): _sealed("Name.", DataClass.CONTACT, _STAFF, _RELATION, per_person=True),
        ("people", "contact_sealed"): _sealed(
            "Work telephone, e-mail and chat ids.", DataClass.CONTACT, _STAFF, _RELATION, per_person=True
        ),
        ("people", "role"): _clear("Job.", _STAFF, _RELATION),
        ("people", "manager"): _who(*_STAFF, holds="Id of the manager."),
        ("people", "team"): _clear("Team.", _STAFF, _RELATION),
        ("people", "branch"): _clear("Branch.", _STAFF, _RELATION),
        ("people", "territory"): _clear("Class of territory.", _STAFF, _RELATION),
        ("people", "pattern"): _clear("Own working hours.", _STAFF, _RELATION),
        ("people", "joined"): _clear("First day of employment.", _STAFF, _RELATION),
        ("people", "left"): _clear("Last day of employment.", _STAFF, _RELATION),
        ("people", "language"): _clear("Language of notices.", _STAFF, _RELATION),
        ("people", "traits"): _clear("Job-related attributes, as the host gives them.", _SCORE, _RELATION),
        ("absences", "id"): _who(*_STAFF, keeping=_RECORD, holds="Id of the absence."),
        ("absences", "rep"): _who(*_STAFF, keeping=_RECORD),
        ("absences", "kind"): _clear(
            "Why somebody is away; parental leave is sensitive.", _STAFF, _RECORD, sensitive=True
        ),
        ("absences", "start_ms"): _clear("From when.", _STAFF, _RECORD),
        ("absences", "end_ms"): _clear("Until when.", _STAFF, _RECORD),
        ("attendance", "rep"): _who(*_STAFF, keeping=_RECORD),
        ("attendance", "kind"): _clear("Came or went.", _STAFF, _RECORD),
        ("attendance", "time_ms"): _clear("When.", _STAFF, _RECORD),
        ("bases", "id"): _who(Purpose.ADMINISTRATION, keeping=_RECORD, holds="Id of the entry, with the person's id."),
        ("bases", "rep"): _who(Purpose.ADMINISTRATION, keeping=_RECORD),
        ("bases", "purpose"): _clear("What for.", (Purpose.ADMINISTRATION,), _RECORD),
        ("bases", "basis"): _clear("Consent, contract ...", (Purpose.ADMINISTRATION,), _RECORD),
        ("bases", "notice"): _clear("Which notice was shown.", (Purpose.ADMINISTRATION,), _RECORD),
        ("bases", "from_ms"): _clear("From when it holds.", (Purpose.ADMINISTRATION,), _RECORD),
        ("bases", "until_ms"): _clear("When it was withdrawn.", (Purpose.ADMINISTRATION,), _RECORD),
        ("places", "subject"): _who(Purpose.VISITS, holds="Id of the rep whose home it is."),
        ("places", "body_sealed"): _sealed(
            "Name and coordinates; a rep's home, which only the rep's own key opens, among them.",
            DataClass.CONTACT,
            _VISITS,
            _RELATION,
            sensitive=True,
        ),
        ("customers", "id"): _who(*_CARE, holds="Id of the customer."),
        ("customers", "owner"): _who(*_CARE, holds="Id of the rep who holds the customer."),
        ("customers", "risk"): _clear("The host's own label.", _CARE, _RELATION),
        ("customers", "potential"): _clear("The host's own estimate.", _CARE, _RELATION),
        ("customers", "body_sealed"): _sealed(
            "Name, needs, date of birth, countries.", DataClass.CONTACT, _CARE, _RELATION, sensitive=True
        ),
        ("customers", "identity_sealed"): _sealed(
            "Numbers of identity cards, accounts and phones.", DataClass.IDENTITY, _NOTES, _RELATION, sensitive=True
        ),
        ("addresses", "customer"): _who(*_CARE, holds="Id of the customer."),
        ("addresses", "body_sealed"): _sealed("Address and coordinates.", DataClass.CONTACT, _CARE, _RELATION),
        ("outings", "rep"): _who(*_VISITS, keeping=_RECORD),
        ("outings", "customer"): _who(*_VISITS, keeping=_RECORD, holds="Id of the customer."),
        ("outings", "start_ms"): _clear("When a visit was planned to begin.", _VISITS, _RECORD),
        ("outings", "end_ms"): _clear("When it was planned to end.", _VISITS, _RECORD),
        ("outings", "meeting_place"): _clear("Id of another agreed place.", _VISITS, _RECORD),
        ("rep_days", "rep"): _who(*_VISITS, keeping=_PRECISION),
        ("rep_days", "date"): _clear("A day on which positions were taken.", _VISITS, _PRECISION),
        ("rep_days", "fixes"): _clear("How many.", _VISITS, _PRECISION),
        ("rep_days", "resolved_sealed"): _sealed(
            "Stays of the day and doubts about its data.",
            DataClass.WHEREABOUTS,
            _VISITS,
            _PRECISION,
            sensitive=True,
            per_person=True,
        ),
        ("track_parts", "rep"): _who(*_VISITS, keeping=_PRECISION),
        ("track_parts", "date"): _clear("A day on which positions were taken.", _VISITS, _PRECISION),
        ("track_parts", "fixes"): _clear("How many.", _VISITS, _PRECISION),
        ("track_parts", "body_sealed"): _sealed(
            "Positions.", DataClass.WHEREABOUTS, _VISITS, _PRECISION, sensitive=True, per_person=True
        ),
        ("visits", "rep"): _who(*_VISITS, keeping=_PRECISION),
        ("visits", "date"): _clear("Day of a verified visit.", _VISITS, _PRECISION),
        ("visits", "start_ms"): _clear("When a verified visit began.", _VISITS, _PRECISION),
        ("visits", "end_ms"): _clear("When it ended.", _VISITS, _PRECISION),
        ("visits", "customer"): _who(*_VISITS, keeping=_PRECISION, holds="Id of the customer visited."),
        ("visits", "certain_s"): _clear("Time certainly spent.", _VISITS, _PRECISION),
        ("visits", "possible_s"): _clear("Time possibly spent.", _VISITS, _PRECISION),
        ("checkins", "rep"): _who(*_VISITS, keeping=_PRECISION),
        ("checkins", "customer"): _who(*_VISITS, keeping=_PRECISION, holds="Id of the customer claimed."),
        ("checkins", "time_ms"): _clear("When.", _VISITS, _PRECISION),
        ("checkins", "recorded_ms"): _clear("When it arrived.", _VISITS, _PRECISION),
        ("checkins", "device"): _clear("Id of the device.", _VISITS, _PRECISION),
        ("checkins", "verdict"): _clear("At, away or unknown.", _VISITS, _PRECISION),
        ("checkins", "reason"): _clear("Why.", _VISITS, _PRECISION),
        ("checkins", "distance_m"): _clear("Distance to the customer.", _VISITS, _PRECISION),
        ("checkins", "body_sealed"): _sealed(
            "Position.", DataClass.WHEREABOUTS, _VISITS, _PRECISION, sensitive=True, per_person=True
        ),
        ("follow_ups", "rep"): _who(*_CARE, keeping=_RECORD),
        ("follow_ups", "customer"): _who(*_CARE, keeping=_RECORD, holds="Id of the customer."),
        ("follow_ups", "kind"): _clear("Visit, call, message ...", _CARE, _RECORD),
        ("follow_ups", "start_ms"): _clear("When it is said to have begun.", _CARE, _RECORD),
        ("follow_ups", "end_ms"): _clear("When it is said to have ended.", _CARE, _RECORD),
        ("follow_ups", "written_ms"): _clear("When it was written.", _CARE, _RECORD),
        ("follow_ups", "received_ms"): _clear("When it arrived.", _CARE, _RECORD),
        ("follow_ups", "joint_with"): _clear("Ids of colleagues who were there.", _CARE, _RECORD),
        ("follow_ups", "next_ms"): _clear("When the next step was agreed for.", _CARE, _RECORD),
        ("follow_ups", "need_share"): _clear("How much of the stated need it speaks of.", _CARE, _RECORD),
        ("follow_ups", "terms"): _clear("How many different terms it has.", _CARE, _RECORD),
        ("follow_ups", "sketch"): _clear("A keyed fingerprint by which alike texts are known.", _CARE, _RECORD),
        ("follow_ups", "text_sealed"): _sealed("What was written.", DataClass.MESSAGE, _NOTES, _RECORD),
        ("attachments", "rep"): _who(*_CARE, keeping=_RECORD),
        ("attachments", "record"): _who(*_CARE, keeping=_RECORD, holds="Id of the check-in or follow-up it goes with."),
        ("attachments", "time_ms"): _clear("When it was taken.", _CARE, _RECORD),
        ("attachments", "recorded_ms"): _clear("When it arrived.", _CARE, _RECORD),
        ("attachments", "body_sealed"): _sealed(
            "A photo or voice note.", DataClass.MESSAGE, _NOTES, _RECORD, sensitive=True
        ),
        ("messages", "thread"): _clear("Id of the conversation.", _CONDUCT, _RECORD),
        ("messages", "rep"): _who(*_CONDUCT, keeping=_RECORD),
        ("messages", "customer"): _who(*_CONDUCT, keeping=_RECORD, holds="Id of the customer."),
        ("messages", "speaker"): _clear("Who of the two spoke.", _CONDUCT, _RECORD),
        ("messages", "time_ms"): _clear("When.", _CONDUCT, _RECORD),
        ("messages", "outcome"): _clear("Cleared, review or stop.", _CONDUCT, _RECORD),
        ("messages", "text_sealed"): _sealed("What was said.", DataClass.MESSAGE, _CONDUCT, _RECORD, sensitive=True),
        ("rulings", "outcome"): _clear("Cleared, review or stop.", _CONDUCT, _RECORD),
        ("rulings", "grounds_sealed"): _sealed(
            "What was found in it, with the places in the text.", DataClass.MESSAGE, _CONDUCT, _RECORD, sensitive=True
        ),
        ("deals", "rep"): _who(*_SCORE, keeping=_RECORD),
        ("deals", "customer"): _who(*_SCORE, keeping=_RECORD, holds="Id of the customer."),
        ("deals", "amount_minor"): _clear("Amount of a sale or loan.", _SCORE, _RECORD, sensitive=True),
        ("deals", "facts"): _clear("What else the host says of it.", _SCORE, _RECORD),
        ("feedback", "rep"): _who(*_SCORE, keeping=_RECORD),
        ("feedback", "customer"): _who(*_SCORE, keeping=_RECORD, holds="Id of the customer."),
        ("feedback", "kind"): _clear("Complaint, praise or rating.", _SCORE, _RECORD),
        ("feedback", "state"): _clear("What became of it.", _SCORE, _RECORD),
        ("feedback", "at_ms"): _clear("When it was said.", _SCORE, _RECORD),
        ("feedback", "rating"): _clear("What the customer gave.", _SCORE, _RECORD),
        ("deals", "cancelled_ms"): _clear("When the customer took it back.", _SCORE, _RECORD),
        ("deals", "met_ms"): _clear("First visit that led to it.", _SCORE, _RECORD),
        ("loans", "rep"): _who(*_SCORE, keeping=_RECORD),
        ("loans", "customer"): _who(*_SCORE, keeping=_RECORD, holds="Id of the customer."),
        ("loans", "amount_minor"): _clear("Amount of a loan.", _SCORE, _RECORD, sensitive=True),
        ("loans", "due_ms"): _clear("When a payment is due.", _SCORE, _RECORD),
        ("loans", "overdue_ms"): _clear("Since when it is overdue.", _SCORE, _RECORD, sensitive=True),
        ("loans", "cured_ms"): _clear("Until when it was.", _SCORE, _RECORD, sensitive=True),
        ("loans", "state"): _clear("How it stands.", _SCORE, _RECORD),
        ("loans", "risk"): _clear("The host's own rating.", _SCORE, _RECORD),
        ("contacts", "rep"): _who(*_CARE, keeping=_RECORD),
        ("contacts", "customer"): _who(*_CARE, keeping=_RECORD, holds="Id of the customer."),
        ("contacts", "direction"): _clear("Who of the two began.", _CARE, _RECORD),
        ("contacts", "at_ms"): _clear("When.", _CARE, _RECORD),
        ("contacts", "answered_ms"): _clear("When it was answered.", _CARE, _RECORD),
        ("contacts", "talk_s"): _clear("How long they talked.", _CARE, _RECORD),
        ("inspections", "rep"): _who(*_CARE, keeping=_RECORD),
        ("inspections", "customer"): _who(*_CARE, keeping=_RECORD, holds="Id of the customer."),
        ("inspections", "kind"): _clear("Statement analysis, site photo ...", _CARE, _RECORD),
        ("inspections", "at_ms"): _clear("When it was done.", _CARE, _RECORD),
        ("inspections", "received_ms"): _clear("When it arrived.", _CARE, _RECORD),
        ("inspections", "fingerprint"): _clear("What a photo looks like, in a few hundred bits.", _CARE, _RECORD),
        ("inspections", "text_sealed"): _sealed("What was found.", DataClass.MESSAGE, _NOTES, _RECORD),
        ("cases", "subject"): _who(*_CONDUCT, keeping=_CASE, holds="Id of whom or what it is about."),
        ("cases", "rep"): _who(*_CONDUCT, keeping=_CASE),
        ("cases", "code"): _clear("What is claimed.", _CONDUCT, _CASE),
        ("cases", "state"): _clear("Where it stands.", _CONDUCT, _CASE),
        ("cases", "severity"): _clear("How much it would matter.", _CONDUCT, _CASE),
        ("cases", "owner"): _who(*_CONDUCT, keeping=_CASE, holds="Id of who deals with it."),
        ("cases", "outcome"): _clear("How it was decided.", _CONDUCT, _CASE),
        ("cases", "pattern"): _clear("Class of what is claimed (kind of place ...).", _CONDUCT, _CASE),
        ("cases", "told_ms"): _clear("When the person was told.", _CONDUCT, _CASE),
        ("cases", "instance"): _clear("Which occurrence it is.", _CONDUCT, _CASE),
        ("cases", "body_sealed"): _sealed(
            "Evidence, figures, explanation.", DataClass.CASE, _CONDUCT, _CASE, sensitive=True
        ),
        ("case_events", "by"): _who(*_CONDUCT, keeping=_CASE, holds="Who took the step."),
        ("case_events", "step"): _clear("Which step.", _CONDUCT, _CASE),
        ("case_events", "body_sealed"): _sealed(
            "What was explained, contested or decided, and why.", DataClass.CASE, _CONDUCT, _CASE, sensitive=True
        ),
        ("metrics", "subject"): _who(*_SCORE, keeping=_RECORD, holds="Id of the rep or team measured."),
        ("metrics", "value"): _clear("Measured value.", _SCORE, _RECORD),
        ("metrics", "exposure"): _clear("What it rests on.", _SCORE, _RECORD),
        ("metrics", "low"): _clear("Lower end of its interval.", _SCORE, _RECORD),
        ("metrics", "high"): _clear("Upper end of its interval.", _SCORE, _RECORD),
        ("audit", "actor"): _who(Purpose.AUDIT, keeping=_TRAIL, holds="Who acted."),
        ("audit", "object"): _who(Purpose.AUDIT, keeping=_TRAIL, holds="Id of what was seen or changed."),
        ("audit", "detail"): _clear("Counts and codes; no content.", (Purpose.AUDIT,), _TRAIL),
        ("outbox", "body_sealed"): _sealed(
            "A notice on its way.", DataClass.MESSAGE, (Purpose.OPERATIONS,), _TRANSIT, sensitive=True
        ),
        ("quarantine", "rep"): _who(Purpose.OPERATIONS, keeping=_TRANSIT),
        ("quarantine", "body_sealed"): _sealed(
            "A position that looked wrong.",
            DataClass.WHEREABOUTS,
            (Purpose.OPERATIONS,),
            _TRANSIT,
            sensitive=True,
            per_person=True,
        ),
        ("tokens", "principal"): _who(Purpose.ADMINISTRATION, holds="Id of whoever the token acts as."),
        ("tokens", "person"): _who(Purpose.ADMINISTRATION),
        ("tokens", "role"): _clear("What they are to the tenant.", (Purpose.ADMINISTRATION,), _RELATION),
        ("answers", "body_sealed"): _sealed(
            "The answer to a request, to be given again where the request comes again.",
            DataClass.CONTACT,
            (Purpose.OPERATIONS,),
            _TRANSIT,
        ),
        ("counters", "subject"): _who(Purpose.OPERATIONS, keeping=_RECORD),
        ("counters", "count"): _clear("How many of a rep's fixes were refused that day, and why.", _VISITS, _RECORD),
    }
)

#: Table -> columns that hold nothing about a person.
TECHNICAL: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        table: frozenset(columns.split())
        for table, columns in {
            "version": "version_num",
            "meta": "key value",
            "tenants": "id name pattern calendar settings settings_before simulated created_ms",
            "keys": "tenant id data_class version suite wrapped state created_ms",
            "people": "tenant",
            "absences": "tenant",
            "bases": "tenant",
            "places": "tenant id kind category private",
            "customers": "tenant schema industry source updated_ms gone_ms",
            "addresses": "tenant id pinned",
            "outings": "tenant id",
            "rep_days": "tenant zone state digest resolver resolved_ms",
            "track_parts": "row tenant part",
            "visits": "tenant",
            "checkins": "tenant id",
            "follow_ups": "tenant id",
            "messages": "tenant id channel language product offset_s confidence",
            "rulings": "tenant kind submission check version at_ms",
            "deals": "tenant id product stage opened_ms closed_ms currency channel",
            "loans": "tenant id product booked_ms currency closed_ms",
            "contacts": "tenant id channel",
            "inspections": "tenant id",
            "feedback": "tenant id settled_ms deal about",
            "attendance": "tenant id",
            "cases": "tenant id subject_kind opened_ms closed_ms raised_ms updated_ms answer_by_ms deadline_ms"
            " escalated_ms snoozed_ms settled_ms wake_ms origin scope confidential",
            "case_events": "tenant case seq at_ms",
            "metrics": "tenant metric first last computed_ms",
            "audit": "tenant seq at_ms role purpose action object_kind mac",
            "outbox": "tenant id channel recipient code case urgency created_ms due_ms attempts state reason",
            "attachments": "tenant id media size digest",
            # The digest of a random secret tells nothing of the secret, and the secret is held nowhere.
            "tokens": "tenant id digest purpose created_ms expires_ms revoked_ms",
            "answers": "tenant id request at_ms",
            "quarantine": "tenant id kind code at_ms",
            "counters": "tenant name date",
            "jobs": "tenant job done_ms",
            "cursors": "tenant source cursor pulled_ms state failures reason",
        }.items()
    }
)


def unregistered(columns: Mapping[str, frozenset[str]]) -> Iterator[str]:
    """Yield what is wrong between the register and a schema: nothing, if they agree.

    Args:
        columns: table -> its columns, names without prefix.
    """
    for table, names in sorted(columns.items()):
        known = {column for owner, column in FIELDS if owner == table}
        technical = TECHNICAL.get(table, frozenset())
        yield from (f"{table}.{name} is not classified" for name in sorted(names - known - technical))
        yield from (f"{table}.{name} is registered but not there" for name in sorted((known | technical) - names))
        yield from (f"{table}.{name} is both personal and technical" for name in sorted(known & technical))
    registered = {table for table, _ in FIELDS} | set(TECHNICAL)
    yield from (f"{table} is registered but not there" for table in sorted(registered - set(columns)))
    for (table, column), field in FIELDS.items():
        if column.endswith("_sealed") != (field.data_class is not None):
            yield f"{table}.{column} is sealed in name or in the register, but not in both"


def as_markdown() -> str:
    """Return the register as a page of the reference."""
    lines = [
        "# Register of personal fields",
        "",
        "Every column that holds something about a person, why it is held, and how it is protected.",
        "Columns that are not here hold nothing about anybody; a test holds the list against the schema.",
        "*Level* is that of JR/T 0171-2020: C1 is for use inside the institution, C2 tells of a person.",
        "Authentication data (C3) are held nowhere.",
        "*Sensitive* is what article 28 of PIPL, the Chinese law on personal information, or good practice calls so.",
        "*Sealed* names the class of keys; with a star the key is the person's own, and destroying it forgets them.",
        "",
        "| field | holds | level | sensitive | sealed | purposes | kept |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for (table, column), field in FIELDS.items():
        sealed = "-" if field.data_class is None else field.data_class.value + ("*" if field.per_person else "")
        purposes = ", ".join(field.purposes)
        mark = "yes" if field.sensitive else "-"
        lines.append(
            f"| `{table}.{column}` | {field.holds} | {field.level} | {mark} | {sealed} | {purposes} | {field.keeping} |"
        )
    lines += ["", "## For how long", ""]
    lines += [f"- **{keeping}**: {text}" for keeping, text in RETENTION.items()]
    lines += ["", "## What each purpose opens", "", "| purpose | opens sealed values of class |", "| --- | --- |"]
    for purpose, classes in OPENS.items():
        lines.append(f"| `{purpose}` | {', '.join(sorted(classes)) or 'nothing'} |")
    return "\n".join(lines) + "\n"
