"""Rows R06-R10: borrowers who weaken, books that were cooked, and money that goes round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

import attrs

from fieldhr_sandbox import names
from fieldhr_sandbox.calendars import clock_s
from fieldhr_sandbox.scenarios.base import Needs, Site, scenario

_RISK: Final = "credit.repayment_risk"
_COOKED: Final = "credit.statement_inconsistent"
_CONNECTED: Final = "credit.connected_borrowers"
_EVERGREEN: Final = "credit.evergreening"
_MONEY: Final = "conduct.money_with_customer"
_DESK: Final = Needs(desk=True)
_WEEK: Final = Needs(days=5, desk=True)
_YUAN: Final = 100


@attrs.frozen(kw_only=True)
class _Quarter:
    """What one quarter of a firm looks like; shares of total assets unless said."""

    debt: float = 0.52
    current_ratio: float = 1.6
    interest_cover: float = 3.2
    operating_cash: float = 0.02


_SOUND: Final = _Quarter()
_WEAKENING: Final = (
    _Quarter(debt=0.55, current_ratio=1.6, interest_cover=2.8, operating_cash=0.02),
    _Quarter(debt=0.64, current_ratio=1.2, interest_cover=1.9, operating_cash=0.005),
    _Quarter(debt=0.74, current_ratio=0.9, interest_cover=1.1, operating_cash=-0.01),
    _Quarter(debt=0.82, current_ratio=0.7, interest_cover=0.6, operating_cash=-0.02),
)


@scenario("R06", "Weakening borrower", req=["C7"], needs=_DESK)
def _weakening(site: Site) -> None:
    borrower = _borrower(site)
    statements = _year(site, borrower, _WEAKENING)
    _handed(site, "statement", statements[-1], _RISK, "high", "borrower", borrower, context=statements[:-1])


@scenario("R06/leasing", "High debt that is usual in the trade", req=["C7"], needs=_DESK)
def _leasing(site: Site) -> None:
    borrower = _borrower(site)
    high = [_Quarter(debt=debt, current_ratio=1.1, interest_cover=2.0) for debt in (0.76, 0.77, 0.78, 0.78)]
    peers = [
        _statement(site, f"peer-{number}", 3, _Quarter(debt=0.80 + 0.004 * number, current_ratio=1.1), "leasing")
        for number in range(-3, 4)
    ]
    statements = _year(site, borrower, high, "leasing")
    _quiet(site, "statement", statements[-1], _RISK, "borrower", borrower, context=[*statements[:-1], *peers])


@scenario("R06/season", "One bad quarter of a season", req=["C7"], needs=_DESK)
def _season(site: Site) -> None:
    borrower = _borrower(site)
    course = [_SOUND, attrs.evolve(_SOUND, operating_cash=-0.03), _SOUND, _SOUND]
    statements = _year(site, borrower, course)
    _quiet(site, "statement", statements[-1], _RISK, "borrower", borrower, context=statements[:-1])


@scenario("R07", "Cooked books", req=["C7"], needs=_DESK)
def _cooked(site: Site) -> None:
    borrower = _borrower(site)
    statement = _statement(site, borrower, 3, _SOUND)
    context: list[Mapping[str, Any]] = []
    lines = dict(statement["lines"])
    if site.ordinal % 3 == 0:
        lines["equity"] = round(lines["equity"] - 0.03 * lines["total_assets"])
    elif site.ordinal % 3 == 1:
        lines["closing_cash"] = lines["closing_cash"] + round(0.02 * lines["total_assets"])
    else:
        other = _statement(site, f"other-{site.instance}", 3, _SOUND)
        copied = dict(other["lines"])
        for name in ("receivables", "inventory", "depreciation"):
            copied[name] = round(copied[name] * site.draw.between(1.05, 1.3))
        lines, context = copied, [other]
    _handed(site, "statement", {**statement, "lines": lines}, _COOKED, "high", "borrower", borrower, context=context)


@scenario("R07/rounded", "Figures in thousands", req=["C7"], needs=_DESK)
def _rounded(site: Site) -> None:
    borrower = _borrower(site)
    statement = _statement(site, borrower, 3, _SOUND)
    lines = {name: round(value / 1000) for name, value in statement["lines"].items()}
    _quiet(site, "statement", {**statement, "unit": "thousand", "lines": lines}, _COOKED, "borrower", borrower)


@scenario("R08", "Ring of borrowers", req=["C4", "C7"], needs=_WEEK)
def _ring(site: Site) -> None:
    count = site.draw.whole(4, 9)
    shared = {
        "phone": names.phone(site.draw),
        "address": f"{names.street(site.draw)}3幢{site.draw.whole(101, 999)}室",
        "legal_representative": names.person(site.draw),
    }
    kinds = list(shared)
    made: list[dict[str, Any]] = []
    for number in range(count):
        links = {kind: shared[kind] for kind in (kinds[number % 3], kinds[(number + 1) % 3])}
        made.append(_application(site, number, links))
    seconds = _hand_in_order(site, "application", made)
    day, second = seconds[3]
    site.expect(
        _CONNECTED,
        "high",
        window=(site.days_used[0], 0, second),
        day=day,
        earliest_s=second,
        detect_by_s=second + 120,
        dose={"firms": count},
    )


@scenario("R08/park", "Tenants of one industrial park", req=["C4", "C7"], needs=_WEEK)
def _park(site: Site) -> None:
    address = f"{names.street(site.draw)}产业园"
    made = [
        _application(
            site,
            number,
            {"address": address, "phone": names.phone(site.draw), "legal_representative": names.person(site.draw)},
        )
        for number in range(6)
    ]
    _hand_in_order(site, "application", made)
    site.silent((_CONNECTED,), until=site.days_used[4])


@scenario("R09", "Evergreening", req=["C7", "B4"], needs=_WEEK)
def _evergreening(site: Site) -> None:
    seconds = _renewals(site, restructured=0)
    day, second = seconds[2]
    site.expect(
        _EVERGREEN,
        "high",
        window=(site.days_used[0], 0, second),
        day=day,
        earliest_s=second,
        detect_by_s=second + 120,
        dose={"renewals": 3},
    )


@scenario("R09/restructured", "An approved restructuring among them", req=["C7", "B4"], needs=_WEEK)
def _restructured(site: Site) -> None:
    _renewals(site, restructured=1)
    site.silent((_EVERGREEN,), until=site.days_used[4])


@scenario("R10", "Money between rep and customer", req=["C4"], needs=_WEEK)
def _money(site: Site) -> None:
    day, second = _transfers(site, relatives=False, wages=False)[1]
    site.expect(
        _MONEY,
        "critical",
        window=(site.days_used[0], 0, second),
        day=day,
        earliest_s=second,
        detect_by_s=second + 1,
        dose={"customers": 3},
    )


@scenario("R10/declared", "A declared relative, and wages", req=["C4"], needs=_WEEK)
def _declared(site: Site) -> None:
    _transfers(site, relatives=True, wages=True)
    site.silent((_MONEY,), until=site.days_used[4])


def _borrower(site: Site) -> str:
    return str(site.customer(high_m=80_000.0).customer)


def _year(site: Site, borrower: str, course: Sequence[_Quarter], industry: str = "") -> list[dict[str, Any]]:
    """Return a firm's statements quarter by quarter, each beginning with the cash with which the one before ended."""
    made: list[dict[str, Any]] = []
    for number, quarter in enumerate(course):
        opening = made[-1]["lines"]["closing_cash"] if made else None
        made.append(_statement(site, borrower, number, quarter, industry, opening))
    return made


def _statement(
    site: Site, borrower: str, number: int, quarter: _Quarter, industry: str = "", opening: int | None = None
) -> dict[str, Any]:
    """Return the statement of one of the last four quarters (3: the last), sums right to the yuan."""
    draw = site.streams.of(f"statement-{site.instance}-{borrower}", number)
    size = site.streams.of(f"firm-{site.instance}-{borrower}").whole(30_000_000, 90_000_000)
    total = round(size * (1 + 0.01 * number + draw.between(0, 0.008)))
    debt = round(quarter.debt * total)
    short = round(debt * draw.between(0.66, 0.72))
    current = min(round(quarter.current_ratio * short), total)
    interest = round(0.012 * debt * draw.between(0.9, 1.1))
    ebit = round(quarter.interest_cover * interest)
    before_tax = ebit - interest
    tax = max(0, round(0.25 * before_tax))
    begun = round(0.05 * total * draw.between(0.8, 1.2)) if opening is None else opening
    operating = round(quarter.operating_cash * total)
    investing = -round(0.004 * total * draw.between(0.5, 1.5))
    financing = round(0.006 * total * draw.between(0.5, 1.5)) - min(0, operating)
    cash = begun + operating + investing + financing
    receivables = round((current - cash) * draw.between(0.45, 0.6))
    revenue = round(total * draw.between(0.25, 0.35))
    end = _quarter_end(site.days.first, 3 - number)
    return {
        "id": f"st-{site.streams.token('statement', site.instance, borrower, number)}",
        "borrower": borrower,
        "rep": site.rep.id,
        "period_end": end.isoformat(),
        "months": 3,
        "currency": "CNY",
        "unit": "one",
        "industry": industry,
        "lines": {
            "cash": cash,
            "receivables": receivables,
            "inventory": current - cash - receivables,
            "current_assets": current,
            "noncurrent_assets": total - current,
            "total_assets": total,
            "current_liabilities": short,
            "noncurrent_liabilities": debt - short,
            "total_liabilities": debt,
            "retained_earnings": round((total - debt) * draw.between(0.3, 0.5)),
            "equity": total - debt,
            "revenue": revenue,
            "cost_of_sales": round(revenue * draw.between(0.7, 0.8)),
            "ebit": ebit,
            "interest_expense": interest,
            "profit_before_tax": before_tax,
            "tax": tax,
            "net_income": before_tax - tax,
            "depreciation": round(0.008 * total * draw.between(0.8, 1.2)),
            "operating_cash_flow": operating,
            "investing_cash_flow": investing,
            "financing_cash_flow": financing,
            "opening_cash": begun,
            "closing_cash": cash,
        },
    }


def _quarter_end(before: date, back: int) -> date:
    """Return the last day of a quarter that ended before a day; *back* quarters further back."""
    months = before.year * 12 + (before.month - 1) // 3 * 3 - 3 * back
    return date(months // 12, months % 12 + 1, 1) - timedelta(days=1)


def _application(site: Site, number: int, links: Mapping[str, str]) -> dict[str, Any]:
    key = site.streams.token("applicant", site.instance, number)
    return {
        "application": f"ap-{key}",
        "borrower": f"c-{key}",
        "rep": site.rep.id,
        "links": dict(links),
    }


def _hand_in_order(site: Site, kind: str, records: Sequence[dict[str, Any]]) -> list[tuple[int, int]]:
    """Hand records in over the days of the site, each with those before it; return (day, second) of each."""
    seconds: list[tuple[int, int]] = []
    for place, record in enumerate(records):
        number = place * len(site.days_used) // len(records)
        day = site.days_used[number]
        before = [second for on, second in seconds if on == day]
        second = max([clock_s("09:20"), *before]) + site.draw.whole(600, 4800)
        record["time"] = site.days.instant(day, second).isoformat()
        site.hand_in(kind, record, second, number, context=records[:place])
        seconds.append((day, second))
    return seconds


def _renewals(site: Site, *, restructured: int) -> list[tuple[int, int]]:
    """Let new loans repay overdue ones on three days; return (day, second) of each settlement."""
    book: list[dict[str, Any]] = []
    for number in range(3):
        borrower = _borrower(site)
        amount = site.draw.whole(200_000, 2_000_000) * _YUAN
        paid_out = site.days.first - timedelta(days=site.draw.whole(200, 330))
        book.append(
            {
                "loan": f"ln-{site.streams.token('old', site.instance, number)}",
                "borrower": borrower,
                "rep": site.rep.id,
                "paid_out": f"{paid_out.isoformat()}T10:00:00+08:00",
                "amount_minor": amount,
                "overdue": f"{(site.days.first - timedelta(days=site.draw.whole(20, 60))).isoformat()}T00:00:00+08:00",
            }
        )
    seconds = []
    for number, day in enumerate((0, 2, 4)):
        second = clock_s("10:00") + site.draw.below(4 * 3600)
        old = book[number]
        new = {
            "loan": f"ln-{site.streams.token('new', site.instance, number)}",
            "borrower": old["borrower"],
            "rep": site.rep.id,
            "paid_out": site.days.instant(site.days_used[day], second).isoformat(),
            "amount_minor": round(old["amount_minor"] * site.draw.between(1.0, 1.15)),
        }
        site.hand_in("loan", dict(new), second, day, context=[dict(one) for one in book])
        book.append(new)
        settled = second + site.draw.whole(1800, 3 * 3600)
        old |= {
            "settled": site.days.instant(site.days_used[day], settled).isoformat(),
            "settled_minor": old["amount_minor"],
            "is_restructured": number < restructured,
        }
        context = [dict(one) for one in book if one is not old]
        site.hand_in("loan", dict(old), settled, day, context=context)
        seconds.append((site.days_used[day], settled))
    return seconds


def _transfers(site: Site, *, relatives: bool, wages: bool) -> list[tuple[int, int]]:
    """Book transfers between the rep's declared account and three customers; return (day, second) of each."""
    own = f"acct-{site.streams.token('own', site.instance)}"
    accounts: list[dict[str, Any]] = [{"account": own, "kind": "rep", "holder": site.rep.id}]
    transfers = []
    for number in range(3):
        customer = _borrower(site)
        account = f"acct-{site.streams.token('theirs', site.instance, number)}"
        declared = site.rep.id if relatives and number < 2 else None
        holder = {"account": account, "kind": "customer", "holder": customer, "relative_of": declared}
        is_employer = wages and number == 2
        accounts.append({**holder, "kind": "employer"} if is_employer else holder)
        pays = site.draw.chance(0.5) or is_employer
        transfers.append(
            {
                "transfer": f"tr-{site.streams.token('transfer', site.instance, number)}",
                "from_account": account if pays else own,
                "to_account": own if pays else account,
                "amount_minor": site.draw.whole(3_000, 80_000) * _YUAN,
                "purpose": "工资" if is_employer else site.draw.pick(("借款", "往来款", "代付")),
            }
        )
    seconds = []
    for number, day in enumerate((0, 2, 4)):
        second = clock_s("10:00") + site.draw.below(6 * 3600)
        transfers[number]["time"] = site.days.instant(site.days_used[day], second).isoformat()
        site.hand_in("transfer", transfers[number], second, day, context=[*accounts, *transfers[:number]])
        seconds.append((site.days_used[day], second))
    return seconds


def _handed(
    site: Site,
    kind: str,
    record: Mapping[str, Any],
    code: str,
    severity: str,
    subject_kind: str,
    subject: str,
    *,
    context: Sequence[Mapping[str, Any]] = (),
) -> None:
    second = clock_s("09:30") + site.draw.below(7 * 3600)
    site.hand_in(kind, record, second, context=context)
    site.expect(
        code,
        severity,
        window=(site.days_used[0], second, second),
        earliest_s=second,
        detect_by_s=second + 120,
        subject_kind=subject_kind,
        subject=subject,
    )


def _quiet(
    site: Site,
    kind: str,
    record: Mapping[str, Any],
    code: str,
    subject_kind: str,
    subject: str,
    *,
    context: Sequence[Mapping[str, Any]] = (),
) -> None:
    site.hand_in(kind, record, clock_s("09:30") + site.draw.below(7 * 3600), context=context)
    site.silent((code,), subject_kind=subject_kind, subject=subject)
