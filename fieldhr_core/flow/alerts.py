"""Case journey: told, explained, contested, decided by a person with a reason, and computed again from its evidence."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import attrs

from fieldhr_core.errors import AccessError, CaseError, ConfigError, PluginError
from fieldhr_core.flow.bundles import bundle_of
from fieldhr_core.flow.cases import (
    case_id,
    change,
    is_kept_from_rep,
    load,
    move,
    note_step,
    opened,
    renotify,
    rows_of,
    tell,
)
from fieldhr_core.flow.consent import CONSENT, withdrawn_again
from fieldhr_core.flow.contacts import contact_links
from fieldhr_core.flow.customers import customer_ruled_again
from fieldhr_core.flow.deadlines import ROLE_DESKS, Lines, case_policy, deadline_ms, working_after_ms
from fieldhr_core.flow.fairness import compare
from fieldhr_core.flow.judging import view_for
from fieldhr_core.flow.messages import message_ruled_again
from fieldhr_core.flow.outcomes import Lessons, by_rank
from fieldhr_core.flow.people import person_contact
from fieldhr_core.flow.proposals import adopt, end
from fieldhr_core.flow.submissions import submission_ruled_again
from fieldhr_core.flow.sweeping import alerter_of, changed, sweep, value_of, with_settings
from fieldhr_core.flow.values import plain, rfc3339
from fieldhr_core.model import (
    OPEN,
    TRANSITIONS,
    Case,
    CaseState,
    CaseStep,
    Comparison,
    ContactLink,
    EvidenceBundle,
    Finding,
    Period,
    Principal,
    Role,
    RulePrecision,
    Settled,
    Severity,
    Sweep,
    milliseconds,
)
from fieldhr_core.store.rows import canonical_json
from fieldhr_core.trust.scope import DOMAINS

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting, Unit

__all__ = ["Alerts", "Replay"]

#: First part of the ids under which the runtime itself acts.
_MACHINE = "fieldhr"


@attrs.frozen(kw_only=True)
class Replay:
    """An alert computed again from its evidence: the stored bytes, the new ones, and whether they are equal.

    Attributes:
        reason: why nothing was recomputed; empty where something was. ``replay.evidence_gone``: what it was made of is
            past its retention, or was too large to be carried by the case; ``replay.rule_gone``: what raised it is not
            there, or fails; ``replay.not_raised``: it would not be raised now; ``replay.house_notice``: it is about
            the house itself, and rests on no record.
    """

    case: str
    stored: bytes
    recomputed: bytes | None
    reason: str = ""

    @property
    def equal(self) -> bool:
        """Whether the alert came out the same, byte for byte."""
        return self.stored == self.recomputed


class Alerts:
    """The desk's room for alerts and their cases."""

    def __init__(self, acting: Acting) -> None:
        self._acting = acting

    def list(
        self,
        *,
        code: str | None = None,
        state: CaseState | None = None,
        rep: str | None = None,
        owner: str | None = None,
        since: Any = None,
        until: Any = None,
    ) -> list[Case]:
        """Return the cases this principal may see, by opening instant, narrowed by what is given.

        A rep who is shown a case of their own is told of it by that.

        Args:
            owner: id of a person, or the desk of a role (``@compliance``).
            since, until: aware instants between which the finding opened, *since* included, *until* not.
        """
        table = self._acting.tables.cases
        where = []
        if code is not None:
            where.append(table.c.code == code)
        if state is not None:
            where.append(table.c.state == CaseState(state).value)
        if rep is not None:
            where.append(table.c.rep == rep)
        if owner is not None:
            where.append(table.c.owner == owner)
        if since is not None:
            where.append(table.c.opened_ms >= milliseconds(since))
        if until is not None:
            where.append(table.c.opened_ms < milliseconds(until))
        cases: list[Case] = self._shown(where, table.c.opened_ms)
        return cases

    def inbox(self) -> Sequence[Case]:
        """Return the open cases this principal has to act on: their own, and those at the desk of their role.

        High and critical ones come first, by deadline; then those of which most are upheld, by what was decided so far.
        What is snoozed waits.
        """
        table, principal = self._acting.tables.cases, self._acting.principal
        mine = [f"@{principal.role.value}", *([principal.person] if principal.person else [])]
        where = [
            table.c.owner.in_(mine),
            table.c.state.in_([state.value for state in OPEN]),
            table.c.snoozed_ms.is_(None),
        ]
        cases: Sequence[Case] = self._shown(where, table.c.deadline_ms.is_(None), table.c.deadline_ms)
        with self._acting.unit(write=False) as unit:
            lessons = Lessons.of(self._acting, unit)
        return by_rank(cases, lessons)

    def get(self, case: str) -> Case:
        """Return one case with its history; a rep who is shown a case of their own is told of it by that.

        Raises:
            AccessError: FHR-ACC-001 where there is none this principal may see.
        """
        with self._acting.unit() as unit:
            found = load(self._acting, unit, case)
            if _is_news(self._acting.principal, found):
                tell(self._acting, unit, [case])
                found = load(self._acting, unit, case)
            unit.audit("alerts.read", "cases", case)
        return found

    def options(self, case: str) -> tuple[CaseStep, ...]:
        """Return the steps this principal may take with a case now."""
        with self._acting.unit() as unit:
            found = load(self._acting, unit, case)
            lines = Lines.of(self._acting, unit)
            return tuple(step for step in CaseStep if _refusal(self._acting, lines, found, step, unit.at_ms) is None)

    def acknowledge(self, case: str, *, note: str = "") -> Case:
        """Take a case on; its rep is told by that, and their time to answer begins. See :meth:`step`."""
        return self.step(case, CaseStep.ACKNOWLEDGE, note=note)

    def tell(self, case: str) -> Case:
        """Tell the rep of a case without taking it on; telling twice changes nothing.

        Raises:
            AccessError: FHR-ACC-001 where there is no such case, FHR-ACC-003 where it is not for this principal to do.
            CaseError: FHR-CAS-001 where the case is over, or there is nobody who may be told.
        """
        acting = self._acting
        with acting.unit() as unit:
            found = load(acting, unit, case)
            _let(acting, Lines.of(acting, unit), found, "tell")
            if found.state not in OPEN or found.finding.rep is None or is_kept_from_rep(found):
                raise CaseError("There is nobody to tell of this case.", code="FHR-CAS-001", case=case)
            if found.told_at is None:
                tell(acting, unit, [case])
            unit.audit("alerts.tell", "cases", case)
            return load(acting, unit, case)

    def explain(self, case: str, text: str) -> Case:
        """Say what was behind it: the rep themself, or somebody for them. See :meth:`step`."""
        return self.step(case, CaseStep.EXPLAIN, note=text)

    def contest(self, case: str, text: str) -> Case:
        """Ask for another judge, as the rep: the case goes to somebody else than the manager who answers for it.

        Possible while it is open and, after it was confirmed, until ``answer_by``. See :meth:`step`.
        """
        return self.step(case, CaseStep.CONTEST, note=text)

    def confirm(self, case: str, reason: str, *, amend: Mapping[str, Any] | None = None) -> Case:
        """Uphold a case, with a reason, once the rep had their say or let their time pass. See :meth:`step`.

        Where it proposes an addition to its rule (``finding.proposes``), the addition is made with it, by compliance or
        an admin, and holds from now on; :meth:`end_addition` ends it.

        Args:
            amend: fields of the proposed item that were put right (``{"phrase": "..."}``).
        """
        return self.step(case, CaseStep.CONFIRM, note=reason, amend=amend)

    def end_addition(self, case: str, reason: str) -> None:
        """End what confirming a case added to its rule; what was found while it held stays as it is.

        Raises:
            AccessError: FHR-ACC-001 where there is no such case, FHR-ACC-003 for other roles than compliance and admin.
            ConfigError: FHR-CFG-001 where it added nothing that still holds, or there is no reason.
        """
        acting = self._acting
        with acting.unit() as unit:
            finding = load(acting, unit, case).finding
            end(acting, unit, finding.code, str(finding.proposes.get("setting", "")), case, reason)

    def dismiss(self, case: str, reason: str) -> Case:
        """Find nothing in it, with a reason; that is what the rule learns from. See :meth:`step`."""
        return self.step(case, CaseStep.DISMISS, note=reason)

    def withdraw(self, case: str, reason: str) -> Case:
        """Take a case back because it should never have been raised. See :meth:`step`."""
        return self.step(case, CaseStep.WITHDRAW, note=reason)

    def step(self, case: str, step: CaseStep, *, note: str = "", amend: Mapping[str, Any] | None = None) -> Case:
        """Take a case one step on and return it.

        Args:
            amend: see :meth:`confirm`.

        Raises:
            AccessError: FHR-ACC-001 where there is no such case, FHR-ACC-003 where it is not for this principal to do.
            CaseError: FHR-CAS-001 where the case cannot take the step, or it has no reason and needs one;
                FHR-CAS-002 where somebody would be found at fault before they had their say.
        """
        acting, step = self._acting, CaseStep(step)
        with acting.unit() as unit:
            before = load(acting, unit, case)
            refusal = _refusal(acting, Lines.of(acting, unit), before, step, unit.at_ms, note)
            if refusal is not None:
                raise refusal
            if step is CaseStep.CONFIRM and before.finding.proposes:
                adopt(acting, unit, before, note, amend)
            move(acting, unit, [case], TRANSITIONS[before.state, step], step.value, note)
            unit.audit(f"alerts.{step}", "cases", case)
            return load(acting, unit, case)

    def hand_over(self, case: str, to: str, *, note: str) -> Case:
        """Give a case to somebody else, with a reason; their clock starts anew.

        Args:
            to: id of a person who leads the rep, or the desk of a role that deals with such cases (``@compliance``).

        Raises:
            AccessError: FHR-ACC-001 where there is no such case, FHR-ACC-003 where it is not for this principal to do.
            CaseError: FHR-CAS-001 where the case is over; FHR-CAS-003 where it cannot go there.
        """
        acting = self._acting
        with acting.unit() as unit:
            before = load(acting, unit, case)
            lines = Lines.of(acting, unit)
            _let(acting, lines, before, "hand_over")
            _check_open(before)
            if not note.strip() or not _can_own(lines, before, to):
                raise CaseError("This case cannot be handed over like that.", code="FHR-CAS-003", case=case)
            facts = acting.facts(unit)
            policy = case_policy(facts.settings)
            due = deadline_ms(facts, policy, before.finding.severity.value, unit.at_ms)
            change(acting, unit, case, owner=to, deadline_ms=due, snoozed_ms=None)
            note_step(acting, unit, [case], "hand_over", note, {"from": before.owner, "to": to})
            unit.audit("alerts.hand_over", "cases", case)
            after = load(acting, unit, case)
            renotify(acting, unit, [after], "handed_over")
        return after

    def snooze(self, case: str, until: datetime, *, note: str) -> Case:
        """Put a case off until an aware instant; then it comes back to its owner, who is told again.

        Raises:
            AccessError: FHR-ACC-001 where there is no such case, FHR-ACC-003 where it is not for this principal to do.
            CaseError: FHR-CAS-001 where the case is over; FHR-CAS-003 where it is critical or contested, the instant is
                past or too far, or there is no reason.
        """
        acting = self._acting
        with acting.unit() as unit:
            before = load(acting, unit, case)
            _let(acting, Lines.of(acting, unit), before, "snooze")
            _check_open(before)
            facts = acting.facts(unit)
            policy = case_policy(facts.settings)
            until_ms = milliseconds(until)
            latest = milliseconds(before.raised_at) + policy.snooze_days * 86_400_000
            never = before.finding.severity is Severity.CRITICAL or before.state is CaseState.CONTESTED
            if never or not unit.at_ms < until_ms <= latest or not note.strip():
                raise CaseError("This case cannot be put off like that.", code="FHR-CAS-003", case=case)
            work_ms = round(policy.snooze_h * 3_600_000)
            due = working_after_ms(facts.pattern, facts.calendar, until_ms, work_ms)
            change(acting, unit, case, snoozed_ms=until_ms, deadline_ms=due)
            note_step(acting, unit, [case], "snooze", note, {"until": rfc3339(until)})
            unit.audit("alerts.snooze", "cases", case)
            return load(acting, unit, case)

    def comment(self, case: str, text: str) -> Case:
        """Add a remark to the history of a case, by anybody who may see it.

        Raises:
            AccessError: FHR-ACC-001 where there is no such case.
            CaseError: FHR-CAS-001 without a text.
        """
        acting = self._acting
        with acting.unit() as unit:
            load(acting, unit, case)
            if not text.strip():
                raise CaseError("A remark needs a text.", code="FHR-CAS-001", case=case)
            note_step(acting, unit, [case], "comment", text)
            unit.audit("alerts.comment", "cases", case)
            return load(acting, unit, case)

    def contacts(self, case: str) -> tuple[ContactLink, ...]:
        """Return links that call or write to the rep of a case, for whoever may see how they are reached.

        Empty where no rep is concerned, none of their contacts is known, or the case is kept from them.

        Raises:
            AccessError: FHR-ACC-001 where there is no such case.
        """
        acting = self._acting
        with acting.unit() as unit:
            found = load(acting, unit, case)
            if found.finding.rep is None or is_kept_from_rep(found):
                return ()
            links = contact_links(person_contact(unit, found.finding.rep))
            unit.audit("alerts.contacts", "person", found.finding.rep, case=case)
        return links

    def precision(self) -> Sequence[RulePrecision]:
        """Return how often people found each rule right, over the cases this principal may see."""
        with self._acting.unit() as unit:
            found = Lessons.of(self._acting, unit, scoped=True).precision()
            unit.audit("alerts.precision", "cases", count=len(found))
        return found

    def sweep(self, code: str, setting: str, values: Sequence[Any], *, period: Period) -> Sweep:
        """Return what a rule would have raised in a period at other values of one of its settings.

        "At x you get y alerts and miss z": z are upheld cases. It changes nothing; see :meth:`set_threshold`.

        Args:
            code: alert code; setting: path of a setting of the plugin that raises it (``low_visits_per_day``).
            values: to try beside the one in force.
            period: local days; each is judged again, so a long period takes its time.

        Raises:
            AccessError: FHR-ACC-003 for other roles than compliance and admin.
            ConfigError: FHR-CFG-001 where code, setting or a value does not fit.
        """
        self._tuner("sweep")
        acting = self._acting.as_house()
        with acting.unit() as unit:
            return sweep(acting, unit, code, setting, values, period.first, period.last)

    def set_threshold(self, code: str, setting: str, value: Any, *, reason: str) -> None:
        """Apply another value of a setting, as a person, with a reason; the change is in the trail.

        Raises:
            AccessError: FHR-ACC-003 for other roles than admin.
            ConfigError: FHR-CFG-001 where code, setting or value does not fit, or there is no reason.
        """
        self._tuner("set", Role.ADMIN)
        if not reason.strip():
            raise ConfigError("Another threshold takes a reason.", code="FHR-CFG-001")
        acting = self._acting
        with acting.unit() as unit:
            settings = acting.facts(unit).settings
            _, plugin = alerter_of(acting, unit, code)
            before = value_of(acting, plugin, settings, setting)
            after = changed(settings, plugin, setting, value)
            acting.house.registry.settings_for(plugin, {plugin: after[plugin]})
            unit.allow("tenants", "write")
            table = acting.tables.tenants
            unit.connection.execute(table.update().where(table.c.id == acting.tenant).values(settings=after))
            unit.audit(
                "alerts.threshold", "tenants", setting, plugin=plugin, before=plain(before), after=value, reason=reason
            )

    def fairness(self, *, period: Period, codes: Sequence[str] = ()) -> Sequence[Comparison]:
        """Return whether groups of reps are told on more often than others: territory, contract, service, branch ...

        Args:
            period: local days in which alerts opened.
            codes: alert codes to compare one by one, beside all together.

        Raises:
            AccessError: FHR-ACC-003 for other roles than compliance, HR, auditor and admin.
        """
        self._tuner("compare", Role.ADMIN, Role.COMPLIANCE, Role.HR_PAYROLL, Role.AUDITOR)
        with self._acting.unit() as unit:
            unit.audit("alerts.fairness", "cases")
        acting = self._acting.as_house()
        with acting.unit(write=False) as unit:
            return compare(acting, unit, period, codes)

    def _tuner(self, what: str, *roles: Role) -> None:
        principal = self._acting.principal
        if principal.role not in (roles or (Role.ADMIN, Role.COMPLIANCE)):
            raise AccessError(f"This principal may not {what} rules.", code="FHR-ACC-003", role=principal.role.value)

    def _shown(self, where: Sequence[Any], *order: Any) -> Any:
        import sqlalchemy as sa

        acting, table = self._acting, self._acting.tables.cases
        with acting.unit() as unit:
            rows = unit.all(sa.select(table).where(unit.scope(table), *where).order_by(*order, table.c.id))
            cases = opened(acting, unit, rows)
            news = [case.id for case in cases if _is_news(acting.principal, case)]
            if news:
                tell(acting, unit, news)
                fresh = rows_of(acting, unit, [row.id for row in rows])
                cases = opened(acting, unit, [fresh[row.id] for row in rows])
            unit.audit("alerts.list", "cases", count=len(cases))
        return cases

    def evidence(self, case: str) -> EvidenceBundle:
        """Return what a case rests on: rule, thresholds, records, positions used and refused, and what if not.

        Raises:
            AccessError: FHR-ACC-001 where there is no such case.
        """
        import sqlalchemy as sa

        acting, table = self._acting, self._acting.tables.cases
        with acting.unit() as unit:
            row = unit.connection.execute(sa.select(table).where(unit.scope(table), table.c.id == case)).first()
            if row is None:
                raise acting.not_found()
            unit.audit("alerts.evidence", "cases", case)
            return bundle_of(acting, unit, row)

    def replay(self, case: str, *, settings: Mapping[str, Any] | None = None) -> Replay:
        """Compute an alert again from its evidence, as of when it was last computed.

        What cannot be computed again - the evidence is past its retention, the alerter is gone - comes back with
        ``recomputed=None`` and a reason, and so does what would not have been raised.

        Args:
            settings: other values of settings of the plugin that raised it, by path (``dwell_limit_s``): what if?
        """
        import sqlalchemy as sa

        acting, table = self._acting, self._acting.tables.cases
        with acting.unit() as unit:
            unit.audit("alerts.replay", "cases", case)
            row = unit.connection.execute(sa.select(table).where(unit.scope(table), table.c.id == case)).first()
            if row is None:
                raise acting.not_found("cases", case)
            body = json.loads(unit.open(table, "body_sealed", "case", [row.id], [row.body_sealed])[0])
            of_customer = row.subject_kind == "customer" and not body["day"]
            found = None if of_customer else _found_again(acting, unit, row, body, settings or {})
        if found is None:  # a customer is screened as the runtime screens: with numbers that not every purpose opens
            checker = acting.as_checker()
            with checker.unit() as unit:
                found = _found_again(checker, unit, row, body, settings or {})
        again, reason = found
        stored = canonical_json(body["finding"])
        return Replay(case=case, stored=stored, recomputed=again, reason=reason)


def _refusal(
    acting: Acting, lines: Lines, case: Case, step: CaseStep, at_ms: int, note: str | None = None
) -> AccessError | CaseError | None:
    """Return why this principal may not take a step now; ``None``: they may.

    Args:
        note: the reason given; ``None``: whether one is given is not asked.
    """
    if not _may(acting, lines, case, step):
        return AccessError(
            f"This principal may not {step} this case.", code="FHR-ACC-003", role=acting.principal.role.value
        )
    if (case.state, step) not in TRANSITIONS:
        return CaseError(
            f"A case that is {case.state} cannot {step}.", code="FHR-CAS-001", case=case.id, state=case.state
        )
    if note is not None and step in _REASONED and not note.strip():
        return CaseError(
            f"To {step} a case takes a reason.", code="FHR-CAS-001", hint="Say why in note=...", case=case.id
        )
    if step is CaseStep.CONFIRM and not _had_their_say(case, at_ms):
        return CaseError("The rep has not had their say yet.", code="FHR-CAS-002", case=case.id)
    late = case.answer_by is not None and at_ms > milliseconds(case.answer_by)
    if step is CaseStep.CONTEST and case.state is CaseState.CONFIRMED and late:
        return CaseError("The time to contest this decision has passed.", code="FHR-CAS-001", case=case.id)
    return None


_REASONED = (CaseStep.CONTEST, CaseStep.CONFIRM, CaseStep.DISMISS, CaseStep.WITHDRAW)


def _may(acting: Acting, lines: Lines, case: Case, step: CaseStep) -> bool:
    principal, rep = acting.principal, case.finding.rep
    own = _is_own(principal, case)
    if own or step in (CaseStep.CLOSE, CaseStep.EXPIRE):
        # Nobody judges their own case, whatever their role; and only time closes one.
        return own and step in (CaseStep.EXPLAIN, CaseStep.CONTEST)
    if step is CaseStep.CONTEST:
        return False
    if step is CaseStep.EXPLAIN:
        return principal.role is not Role.REP
    if step is CaseStep.WITHDRAW:
        return principal.role in (Role.ADMIN, Role.COMPLIANCE)
    if principal.role not in _JUDGES or principal.id.partition(".")[0] == _MACHINE:
        return False  # no machine decides about anybody
    if case.state is CaseState.CONTESTED and step in (CaseStep.CONFIRM, CaseStep.DISMISS):
        # A contested case is decided by somebody else than whoever has judged it, and than the rep's own manager.
        judged = {event.by for event in case.history if event.step in (CaseStep.CONFIRM, CaseStep.ACKNOWLEDGE)}
        direct = principal.person is not None and lines.manager.get(rep or "") == principal.person
        return principal.id not in judged and not direct
    return True


_JUDGES = (Role.MANAGER, Role.COMPLIANCE, Role.HR_PAYROLL, Role.ADMIN)


def _let(acting: Acting, lines: Lines, case: Case, what: str) -> None:
    """Refuse what is for whoever deals with a case to anybody else."""
    if _is_own(acting.principal, case) or not _may(acting, lines, case, CaseStep.ACKNOWLEDGE):
        raise AccessError(
            f"This principal may not {what} this case.", code="FHR-ACC-003", role=acting.principal.role.value
        )


def _check_open(case: Case) -> None:
    if case.state not in OPEN:
        raise CaseError(f"A case that is {case.state} is over.", code="FHR-CAS-001", case=case.id, state=case.state)


def _is_own(principal: Principal, case: Case) -> bool:
    return principal.person is not None and principal.person == case.finding.rep


def _is_news(principal: Principal, case: Case) -> bool:
    return _is_own(principal, case) and case.told_at is None and case.state in OPEN and not is_kept_from_rep(case)


def _had_their_say(case: Case, at_ms: int) -> bool:
    if case.finding.rep is None or is_kept_from_rep(case):
        return True
    if case.told_at is None or case.answer_by is None:
        return False
    return case.state in (CaseState.EXPLAINED, CaseState.CONTESTED) or at_ms >= milliseconds(case.answer_by)


def _can_own(lines: Lines, case: Case, to: str) -> bool:
    rep = case.finding.rep
    if to in ROLE_DESKS:
        families = DOMAINS.get(Role(to.removeprefix("@")))
        return families is None or case.finding.code.split(".")[0] in families
    if rep is None or is_kept_from_rep(case) or not lines.leads(to, rep):
        return False
    return case.state is not CaseState.CONTESTED or lines.manager.get(rep) != to


def _found_again(
    acting: Acting, unit: Unit, row: Any, body: Mapping[str, Any], settings: Mapping[str, Any]
) -> tuple[bytes | None, str]:
    """Return the bytes of an alert computed again, or the reason why there are none."""
    found: Sequence[Finding] | None
    if row.origin == CONSENT:
        found = withdrawn_again(acting, unit, row)
    elif row.origin.startswith(f"{_MACHINE}."):
        return None, "replay.house_notice"
    elif not body["day"]:
        checks = dict(acting.providers(unit, "checks"))
        if row.origin not in checks or isinstance(checks[row.origin], PluginError):
            return None, "replay.rule_gone"
        found = _ruled_again(acting, unit, row, body)
    else:
        alerters = dict(acting.providers(unit, "alerters", role="find"))
        alerter = alerters.get(row.origin)
        if alerter is None or isinstance(alerter, PluginError):
            return None, "replay.rule_gone"
        if settings:
            alerter = with_settings(acting, unit, row.origin, alerter.plugin, settings)
        alone = row.rep is not None and alerter.cadence == "live"
        reps = [row.rep] if alone else None  # what was judged beside its peers is judged beside them again
        view = view_for(acting, unit, alerter, date.fromisoformat(body["day"]), body["as_of_ms"], reps, again=True)
        found = acting.house.guard.call(alerter, "find", view)
    if found is None:
        return None, "replay.evidence_gone"
    for finding in found:
        if isinstance(finding, Settled):
            continue
        if case_id(acting.tenant, finding) == row.id:
            return canonical_json(plain(finding)), ""
    return None, "replay.not_raised"


def _ruled_again(acting: Acting, unit: Unit, row: Any, body: Mapping[str, Any]) -> Sequence[Finding] | None:
    """Return what a check finds again; ``None`` where what it was shown is no longer there."""
    carried = body.get("carried", {})
    if "value" in carried:
        return submission_ruled_again(acting, unit, row, carried)
    if row.subject_kind == "customer":
        return customer_ruled_again(acting, unit, row, carried.get("with"))
    return message_ruled_again(acting, unit, row)
