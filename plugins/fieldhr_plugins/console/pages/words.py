"""Words for the closed lists of the core - verdicts, states, steps, severities, roles - and names for known alerts.

An alert that nobody named here is called by the last word of its code: a stranger's plugin is never without a name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fieldhr_plugins.console.pages.speech import Speech

__all__ = [
    "absence",
    "alert_name",
    "card_name",
    "fact_name",
    "held",
    "metric_name",
    "now",
    "place",
    "purpose",
    "role",
    "severity",
    "state",
    "step",
    "verdict",
]


def N_(text: str) -> str:  # noqa: N802 - the name by which texts are collected
    """Mark a text for translation where it stands."""
    return text


_VERDICTS: Final = {"at": N_("At customer"), "away": N_("Elsewhere"), "unknown": N_("Unknown")}
_NOW: Final = {
    "at": N_("At a known place"),
    "away": N_("Elsewhere"),
    "unknown": N_("Unknown"),
    "moving": N_("On the move"),
    "off": N_("Off duty"),
    "absent": N_("On leave"),
}
_SEVERITIES: Final = {
    "critical": N_("Critical"),
    "high": N_("High"),
    "medium": N_("Medium"),
    "low": N_("Low"),
    "info": N_("Note"),
}
_STATES: Final = {
    "raised": N_("New"),
    "acknowledged": N_("Taken on"),
    "explained": N_("Explained"),
    "contested": N_("Contested"),
    "confirmed": N_("Upheld"),
    "dismissed": N_("Dismissed"),
    "withdrawn": N_("Withdrawn"),
    "closed": N_("Closed"),
}
_STEPS: Final = {
    "raised": N_("Raised"),
    "updated": N_("Updated by later data"),
    "told": N_("Rep told"),
    "acknowledge": N_("Take on"),
    "explain": N_("Explain"),
    "contest": N_("Contest"),
    "confirm": N_("Uphold"),
    "dismiss": N_("Dismiss"),
    "withdraw": N_("Withdraw"),
    "close": N_("Closed"),
    "expire": N_("Expired"),
    "hand_over": N_("Handed over"),
    "snooze": N_("Put off"),
    "comment": N_("Remark"),
    "escalated": N_("Went one level up"),
    "woken": N_("Came back"),
}
_ROLES: Final = {
    "rep": N_("Rep"),
    "manager": N_("Manager"),
    "compliance": N_("Compliance"),
    "hr_payroll": N_("HR and payroll"),
    "auditor": N_("Auditor"),
    "admin": N_("Administrator"),
    "integrator": N_("Integrator"),
}
_PURPOSES: Final = {
    "visits": N_("planning and verifying visits"),
    "customer_care": N_("customer records"),
    "supervision": N_("leading the team"),
    "compliance": N_("compliance check"),
    "performance": N_("scorecards"),
    "payroll": N_("payroll"),
    "audit": N_("audit"),
    "subject_access": N_("own data"),
    "administration": N_("setting up"),
    "integration": N_("another system"),
    "operations": N_("automatic processing"),
}
_ABSENCES: Final = {
    "leave": N_("Leave"),
    "training": N_("Training"),
    "meeting": N_("Meeting"),
    "parental": N_("Parental leave"),
    "private": N_("Private time"),
}
_ALERTS: Final = {
    "track.offsite_dwell": N_("Long stop away from customers"),
    "track.gap_pattern": N_("Tracking goes silent again and again"),
    "checkin.mismatch": N_("Check-in far from the customer"),
    "checkin.shared_device": N_("Check-ins from one phone"),
    "visit.unsupported": N_("Visit that positions do not bear out"),
    "visit.backfilled": N_("Visit records written afterwards"),
    "device.mock_location": N_("Phone reports made-up positions"),
    "device.impossible_speed": N_("Positions too far apart"),
    "device.clock_tamper": N_("Phone's clock was changed"),
    "device.replayed_track": N_("Track of another day again"),
    "device.shared": N_("One phone for several people"),
    "device.carried_for_another": N_("Phone carried by somebody else"),
    "crm.address_suspect": N_("Customer's address may be wrong"),
    "quality.datum_shift": N_("Coordinates in the wrong datum"),
    "behaviour.no_followup": N_("No visit records for days"),
    "behaviour.low_visits": N_("Few visits"),
    "behaviour.short_day": N_("Short days"),
    "privacy.consent_withdrawn": N_("Phone sends without consent"),
    "conduct.banned_phrase": N_("Wording that is not allowed"),
    "conduct.principal_guarantee": N_("Promise that the principal is safe"),
    "conduct.return_guarantee": N_("Promise of a return"),
    "conduct.no_risk": N_("“No risk”"),
    "aml.hit": N_("Customer is on a list"),
    "aml.possible_hit": N_("Customer may be on a list"),
    "credit.repayment_risk": N_("Borrower weakens"),
    "credit.statement_inconsistent": N_("Statement does not add up"),
    "security.restore_drill": N_("Restore drill"),
}
_METRICS: Final = {
    "checkin_anomaly_rate": N_("Anomalous outings"),
    "unverifiable_outing_rate": N_("Unverifiable outings"),
    "effective_visits_per_day": N_("Effective visits a day"),
    "effective_hours_per_day": N_("Effective hours a day"),
    "nonwork_hours_per_day": N_("Off-site hours a day"),
    "approval_rate": N_("Approval rate"),
    "cancellation_rate": N_("Cancellation rate"),
    "complaint_rate": N_("Complaints"),
    "conversion_rate": N_("Conversion rate"),
    "credited_visits_per_day": N_("Credited visits a day"),
    "customer_rating": N_("Customers' rating"),
    "followup_cycle_days": N_("Days between follow-ups"),
    "followup_open_share": N_("Follow-ups still open"),
    "followup_pace": N_("Pace of follow-ups"),
    "high_risk_share": N_("Share of high risk"),
    "new_high_risk_share": N_("Share of high risk among new loans"),
    "inspection_rate": N_("Inspections done"),
    "need_answered_rate": N_("Records that answer the need"),
    "own_words_rate": N_("Records in words of their own"),
    "next_step_kept_rate": N_("Next steps agreed and kept"),
    "inspection_complete_rate": N_("Complete inspections"),
    "followup_quality": N_("Quality of follow-ups"),
    "overdue_rate": N_("Overdue rate"),
    "overdue_rate_of_vintage": N_("Overdue rate of the vintage"),
    "overdue_ratio_by_age": N_("Overdue beside loans of that age"),
    "prompt_answer_rate": N_("Prompt answers"),
    "repurchase_rate": N_("Repurchases"),
    "sales_growth": N_("Growth of sales"),
    "sales_per_20_days": N_("Sales in 20 days"),
    "talk_minutes_per_day": N_("Minutes of talk a day"),
    "timely_record_rate": N_("Records written in time"),
    "upheld_alerts_per_20_days": N_("Upheld alerts in 20 days"),
}
_CARDS: Final = {
    "credit_manager": N_("Credit managers"),
    "wealth_adviser": N_("Wealth advisers"),
    "agent": N_("Agents"),
    "insurance_agent": N_("Insurance agents"),
    "general": N_("Everybody else"),
    "urban": N_("Town"),
    "rural": N_("Country"),
}
#: Facts of evidence that many alerts share; others are called by their own name.
_FACTS: Final = {
    "stay": N_("stay"),
    "outing": N_("outing"),
    "message": N_("message"),
    "checkin": N_("check-in"),
    "followup": N_("visit record"),
    "fix": N_("position"),
    "signal": N_("signal"),
    "customer": N_("customer"),
    "accuracy": N_("accuracy"),
    "category": N_("category"),
    "certain": N_("certain time"),
    "counted": N_("counted time"),
    "duration": N_("duration"),
    "possible": N_("possible time"),
    "start": N_("start"),
    "end": N_("end"),
    "time": N_("time"),
    "distance": N_("distance"),
    "fixes used": N_("positions used"),
    "fixes refused": N_("positions refused"),
    "nearest customer": N_("nearest customer"),
    "place": N_("place"),
    "reason": N_("reason"),
    "spread": N_("spread"),
    "lat": N_("latitude"),
    "lon": N_("longitude"),
    "phrase": N_("phrase"),
    "normal form": N_("read as"),
    "rule": N_("rule"),
    "source": N_("source"),
    "level": N_("level"),
    "days": N_("days"),
    "verdict": N_("verdict"),
    "dwell limit": N_("limit"),
}


_HELD: Final = {
    "messages": N_("Messages"),
    "rulings": N_("Rulings of checks"),
    "addresses": N_("Addresses"),
    "customers": N_("Customers"),
    "follow_ups": N_("Visit records"),
    "outings": N_("Planned visits"),
    "checkins": N_("Check-ins"),
    "visits": N_("Verified visits"),
    "rep_days": N_("Days with positions"),
    "track_parts": N_("Batches of positions"),
    "bases": N_("Bases and consents"),
    "cases": N_("Alerts"),
    "case_events": N_("Steps of alerts"),
    "people": N_("Master data"),
    "places": N_("Places"),
    "deals": N_("Deals"),
    "loans": N_("Loans"),
    "contacts": N_("Contacts"),
    "feedback": N_("Feedback"),
    "inspections": N_("Inspections"),
    "metrics": N_("Measured figures"),
    "absences": N_("Absences"),
    "attendance": N_("Time stamps"),
    "attachments": N_("Photos and recordings"),
    "tracking": N_("Tracking"),
    "consent": N_("consent"),
    "contract": N_("contract"),
    "works_agreement": N_("works agreement"),
}


def _said(words: Mapping[str, str], speech: Speech, code: str) -> str:
    known = words.get(code)
    return speech.t(known) if known else code.rpartition(".")[2].replace("_", " ").capitalize()


def verdict(speech: Speech, code: str) -> str:
    """Return the word for a verdict."""
    return _said(_VERDICTS, speech, code)


def now(speech: Speech, code: str) -> str:
    """Return the word for what is known of somebody's present."""
    return _said(_NOW, speech, code)


def severity(speech: Speech, code: str) -> str:
    """Return the word for a severity."""
    return _said(_SEVERITIES, speech, code)


def state(speech: Speech, code: str) -> str:
    """Return the word for the state of a case."""
    return _said(_STATES, speech, code)


def step(speech: Speech, code: str) -> str:
    """Return the word for a step of a case."""
    return _said(_STEPS, speech, code)


def role(speech: Speech, code: str) -> str:
    """Return the word for a role."""
    return _said(_ROLES, speech, code)


def purpose(speech: Speech, code: str) -> str:
    """Return the words for a purpose."""
    return _said(_PURPOSES, speech, code)


def absence(speech: Speech, code: str) -> str:
    """Return the word for a kind of absence."""
    return _said(_ABSENCES, speech, code)


def alert_name(speech: Speech, code: str) -> str:
    """Return the name of an alert."""
    return _said(_ALERTS, speech, code)


def metric_name(speech: Speech, code: str) -> str:
    """Return the name of a metric."""
    return _said(_METRICS, speech, code)


def place(speech: Speech, kind: str, category: str, customer: str) -> str:
    """Return where a stay is in words: the customer, what kind of place, or that it is nobody's business."""
    if kind == "private":
        return speech.t("Private place")
    if customer:
        return customer
    if kind == "office":
        return speech.t("Office")
    if category:
        return speech.said(f"category.{category}")
    return speech.t("No known place")


def card_name(speech: Speech, code: str) -> str:
    """Return the name of a scorecard."""
    return _said(_CARDS, speech, code)


def fact_name(speech: Speech, name: str) -> str:
    """Return what a fact of evidence is called."""
    known = _FACTS.get(name)
    return speech.t(known) if known else name


def held(speech: Speech, name: str) -> str:
    """Return what a kind of record that is held about people is called, or a basis for holding it."""
    known = _HELD.get(name)
    return speech.t(known) if known else name.replace("_", " ")
