"""The compliance check ``screening.lists``: customers to rulings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs

from fieldhr_core.errors import RecordError
from fieldhr_core.model import Audience, Customer, Evidence, Finding, Ground, Outcome, Ruling, Severity, Submission
from fieldhr_plugins.screening.answers import HIT, NONE
from fieldhr_plugins.screening.index import Index
from fieldhr_plugins.screening.lists import Entry, WatchList, told_apart
from fieldhr_plugins.screening.matching import ORGANIZATION, PERSON, Matcher
from fieldhr_plugins.screening.numbers import identify
from fieldhr_plugins.screening.reading import read_list
from fieldhr_plugins.screening.settings import ListFile, ScreeningSettings
from fieldhr_plugins.screening.weighing import Found, Subject, subject_of

__all__ = ["CHECK", "VERSION", "ListCheck", "finding_of", "subject_of_customer"]

CHECK: Final = "screening.lists"
VERSION: Final = "1"
_STRICTNESS: Final = {Outcome.CLEARED: 0, Outcome.REVIEW: 1, Outcome.STOP: 2}
_HIT: Final = "aml.hit"
_POSSIBLE: Final = "aml.possible_hit"
#: Kinds of a customer's numbers that name no person or firm.
_NO_IDENTITY: Final = frozenset(
    {"phone", "mobile", "tel", "telephone", "fax", "email", "wechat", "account", "bank_account", "iban", "plate"}
)


class ListCheck:
    """Screens customers against the tenant's lists, which are read when first needed and again when they changed."""

    def __init__(self, settings: ScreeningSettings) -> None:
        self._settings = settings
        self._matcher: Matcher | None = None
        self._stamps: tuple[object, ...] = ()
        self._index: Index | None = None
        self._lists: dict[ListFile, tuple[object, WatchList]] = {}
        self._faults: tuple[Ground, ...] = ()

    @property
    def kinds(self) -> tuple[str, ...]:
        """It looks at customers."""
        return ("customer",)

    def check(self, submissions: Sequence[Submission], /) -> Sequence[Ruling]:
        """Return one ruling a customer: stop on a hit, review where a person must look or a list is missing.

        Raises:
            RecordError: FHR-REC-001 where a submission is no customer; nothing of the batch is cleared then.
        """
        if not submissions:
            return []
        index = self.index()
        return [self._rule(submission, self._index_for(submission) or index) for submission in submissions]

    def _index_for(self, submission: Submission) -> Index | None:
        """Return an index of what an earlier ruling carries: the entries it was made with, as the list had them."""
        carried = [one["listed"] for one in submission.context if isinstance(one, Mapping) and "listed" in one]
        if not carried:
            return None
        return Index([_list_of(one) for one in carried[0]], self._matcher)

    def index(self) -> Index:
        """Return the index of every list that can be read, built anew only where one says something else."""
        if self._matcher is None:
            self._matcher = Matcher(self._settings.alias_file)
        stamps = tuple(_stamp(one.path) for one in self._settings.lists)
        if self._index is not None and stamps == self._stamps and not self._faults:
            return self._index
        faults: list[Ground] = []
        lists: list[WatchList] = []
        for one, stamp in zip(self._settings.lists, stamps, strict=True):
            known = self._lists.get(one)
            if known is None or known[0] != stamp:
                try:
                    known = (stamp, read_list(one.path, file_format=one.format, name=one.name, kind=one.kind))
                except RecordError as fault:
                    faults.append(_unreadable(one, fault))
                    continue
                self._lists[one] = known
            lists.append(known[1])
        if not self._settings.lists:
            faults.append(_no_list())
        self._faults, self._stamps = tuple(faults), stamps
        lists = told_apart(lists)
        digests = [one.digest for one in lists]
        if self._index is None or [one.digest for one in self._index.lists] != digests:
            self._index = Index(lists, self._matcher)
        return self._index

    def _rule(self, submission: Submission, index: Index) -> Ruling:
        customer = submission.value
        if not isinstance(customer, Customer):
            raise RecordError(
                f"A submission of kind {submission.kind!r} holds a {type(customer).__name__} instead of a Customer.",
                code="FHR-REC-001",
            )
        # What is known of a customer takes longer to put in order than to find nothing in no list.
        found = index.search(subject_of_customer(customer)) if len(index) else []
        grounds: list[Ground] = []
        findings: list[Finding] = []
        carried: list[dict[str, Any]] = []
        outcome = Outcome.REVIEW if self._faults else Outcome.CLEARED
        for one in found:
            findable = one.level == HIT or (one.level != NONE and one.score >= self._settings.review_from)
            if one.level == HIT:
                outcome = Outcome.STOP
            elif findable and outcome is Outcome.CLEARED:
                outcome = Outcome.REVIEW
            grounds.append(_ground(one, index, self._verdict(one)))
            if findable:
                findings.append(finding_of(submission, customer, one, index, self._settings))
                carried.append(_carried(one, index))
        schema = PERSON if customer.schema == "Person" else ORGANIZATION
        if len(index) and not index.matcher.is_readable(customer.name, schema):
            # What cannot be compared has not been screened, whatever else was looked at.
            grounds.append(_unreadable_name())
            outcome = max(outcome, Outcome.REVIEW, key=_STRICTNESS.__getitem__)
        for ground in self._bad_numbers(submission, customer):
            grounds.append(ground)
            if self._settings.invalid_numbers and outcome is Outcome.CLEARED:
                outcome = Outcome.REVIEW
        if outcome is Outcome.CLEARED:
            grounds.append(_searched(index, len(grounds)))
        return Ruling(
            submission=submission.id,
            outcome=outcome,
            grounds=(*grounds, *self._faults),
            findings=tuple(findings),
            check=CHECK,
            version=VERSION,
            carries={"listed": carried} if carried else {},
        )

    def _verdict(self, one: Found) -> str:
        if one.level == NONE or (one.level != HIT and one.score < self._settings.review_from):
            return "cleared"
        return one.level

    def _bad_numbers(self, submission: Submission, customer: Customer) -> list[Ground]:
        found = []
        for kind in ("ric", "uscc"):
            value = customer.identifiers.get(kind, "")
            answer = identify(value, kind, today=submission.at.date()) if value else None
            if answer is not None and not answer.valid:
                found.append(
                    Ground(
                        code="screening.invalid_number",
                        verdict="review",
                        severity="medium",
                        rule=f"identify.{kind}",
                        source="GB 11643" if kind == "ric" else "GB 32100",
                        facts={"kind": kind, "reason": answer.reason, "position": answer.position},
                    )
                )
        return found


def subject_of_customer(customer: Customer) -> Subject:
    """Return what lists can know of a customer; phones, mail addresses and accounts are left out."""
    return subject_of(
        schema="Person" if customer.schema == "Person" else "Organization",
        names=(customer.name,),
        numbers=[n for kind, n in customer.identifiers.items() if kind.casefold() not in _NO_IDENTITY],
        birth_date=customer.birth_date,
        countries=customer.countries,
    )


def finding_of(
    submission: Submission, customer: Customer, one: Found, index: Index, settings: ScreeningSettings
) -> Finding:
    """Return what becomes an alert. It names the list, its version and the entry, and holds no number."""
    hit = one.level == HIT
    facts = _facts(one, index)
    told: tuple[Audience, ...] = (Audience.COMPLIANCE,)
    if hit and settings.tell_rep and customer.owner is not None:
        told += (Audience.REP,)
    return Finding(
        code=_HIT if hit else _POSSIBLE,
        subject_kind="customer",
        subject=customer.id,
        rep=customer.owner,
        instance=f"{one.list}/{one.entry.id}",
        opened_at=submission.at,
        severity=Severity.CRITICAL if hit else Severity.HIGH,
        confidence=one.score,
        rule=CHECK,
        version=VERSION,
        thresholds={"review_from": settings.review_from},
        evidence=(Evidence(kind="customer", ids=(customer.id,), facts=facts),),
        explanation=_HIT if hit else _POSSIBLE,
        params=facts,
        advice="aml.advice.stop_follow_up" if hit else "aml.advice.review",
        audience=told,
    )


def _facts(one: Found, index: Index) -> dict[str, Any]:
    source = next(listed for listed in index.lists if listed.name == one.list)
    return {
        "list": one.list,
        "list_kind": source.kind,
        "list_version": source.digest,
        "entry": one.entry.id,
        "entry_name": one.name,
        "score": one.score,
        "name_score": round(one.name_score, 4),
        "grounds": list(one.grounds),
        "note": one.entry.note,
    }


def _carried(one: Found, index: Index) -> dict[str, Any]:
    """Return the entry a finding was made with and the version of its list, as JSON values."""
    source = next(listed for listed in index.lists if listed.name == one.list)
    entry = attrs.asdict(one.entry, value_serializer=lambda _, __, value: _plain(value))
    return {"name": source.name, "kind": source.kind, "format": source.format, "digest": source.digest, "entry": entry}


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(value)
    return list(value) if isinstance(value, tuple) else value


def _list_of(carried: Mapping[str, Any]) -> WatchList:
    entry: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in carried["entry"].items()
    }
    entry["weak"] = frozenset(entry["weak"])
    return WatchList(
        name=carried["name"],
        kind=carried["kind"],
        format=carried["format"],
        entries=(Entry(**entry),),
        digest=carried["digest"],
    )


def _ground(one: Found, index: Index, verdict: str) -> Ground:
    facts = _facts(one, index)
    hit = one.level == HIT
    return Ground(
        code=_HIT if hit else _POSSIBLE if verdict != "cleared" else "screening.cleared",
        verdict=verdict,
        severity="critical" if hit else "high" if verdict != "cleared" else "info",
        rule=CHECK,
        source=f"{one.list}@{facts['list_version'][:12]}",
        facts=facts,
    )


def _searched(index: Index, looked_at: int) -> Ground:
    """Record that nothing was found, in which lists of which version: that is a result too."""
    return Ground(
        code="screening.searched",
        verdict="cleared",
        severity="info",
        rule=CHECK,
        source=CHECK,
        facts={"lists": dict(index.versions), "entries": len(index), "ruled_out": looked_at},
    )


def _unreadable(one: ListFile, fault: RecordError) -> Ground:
    return Ground(
        code="screening.list_unreadable",
        verdict="review",
        severity="high",
        rule="checks fail closed",
        source=one.name or Path(one.path).name,
        facts={"code": fault.code, "why": fault.message},
    )


def _unreadable_name() -> Ground:
    return Ground(
        code="screening.name_unreadable",
        verdict="review",
        severity="medium",
        rule="checks fail closed",
        source="fieldhr.screening",
        facts={"why": "the name is in a script that cannot be compared with the lists"},
    )


def _no_list() -> Ground:
    return Ground(
        code="screening.no_list",
        verdict="review",
        severity="high",
        rule="checks fail closed",
        source="fieldhr.screening",
        facts={"setting": "fieldhr.screening.lists"},
    )


def _stamp(path: str) -> object:
    """Return what changes when a file changes; ``None`` where there is none."""
    try:
        state = Path(path).stat()
    except OSError:
        return None
    return state.st_mtime_ns, state.st_size
