"""What a tenant may set about credit."""

from __future__ import annotations

from typing import Any

import attrs

__all__ = ["CreditSettings"]

_at_least_1: Any = attrs.validators.ge(1)
_share: Any = attrs.validators.and_(attrs.validators.ge(0), attrs.validators.le(1))


@attrs.frozen(kw_only=True)
class CreditSettings:
    """Thresholds of the credit checks.

    Attributes:
        model_file: scorecard that ``fieldhr credit train`` wrote; empty: the built-in map of Altman's Z''.
        base_rate: share of the tenant's borrowers that fail within a year, for the built-in map (its sample: 0.069).
        medium_from: a probability from here is the band ``medium``.
        high_from: a probability from here is the band ``high``.
        stale_after_days: a statement whose period ended longer ago is not scored.
        balance_tolerance: share of total assets by which sums may be off beyond the rounding of their lines.
        copied_lines: equal figures of two borrowers that are too many to be chance.
        copied_share: and the share of all figures which both statements give.
        min_peers: borrowers of an industry that make a median.
        peers_margin: a ratio is only held against a borrower where it is worse than the peers' median by this share.
        weakening_statements: statements in a row that show a trend.
        weakening_factors: adverse factors, of five, that open a case.
        ohlson_price_index: GNP price level, 1968 = 100, for Ohlson's size term; none: an average size is taken.
        ohlson_units_per_usd: units of the statements' currency for one US dollar, for the same term.
        connected_days: applications through one rep within this many days belong together.
        connected_applications: connected applicants, through one rep, that open a case.
        common_value: a telephone number or address that more borrowers than this share says nothing.
        exempt_links: values that connect nobody, as sent (a guarantee company, an accountant's address).
        evergreening_days: an overdue loan settled within this many days of a new one counts as repaid by it.
        evergreening_times: such pairs of one rep that open a case.
        evergreening_window_days: span in which they are counted.
        evergreening_cover: the new loan covers at least this share of what was settled.
        transfers_days: span in which transfers between a rep and customers are counted.
        transfers_customers: customers who open a case.
        salary_purposes: purposes of a transfer that are wages, in lower case.
    """

    model_file: str = ""
    base_rate: float | None = attrs.field(
        default=None,
        validator=attrs.validators.optional(attrs.validators.and_(attrs.validators.gt(0), attrs.validators.lt(1))),
    )
    medium_from: float = attrs.field(default=0.06, validator=_share)
    high_from: float = attrs.field(default=0.10, validator=_share)
    stale_after_days: int = attrs.field(default=550, validator=_at_least_1)
    balance_tolerance: float = attrs.field(default=0.001, validator=_share)
    copied_lines: int = attrs.field(default=12, validator=attrs.validators.ge(4))
    copied_share: float = attrs.field(default=0.75, validator=_share)
    min_peers: int = attrs.field(default=5, validator=_at_least_1)
    peers_margin: float = attrs.field(default=0.05, validator=attrs.validators.ge(0))
    weakening_statements: int = attrs.field(default=4, validator=attrs.validators.ge(2))
    weakening_factors: int = attrs.field(default=3, validator=_at_least_1)
    ohlson_price_index: float | None = attrs.field(
        default=None, validator=attrs.validators.optional(attrs.validators.gt(0))
    )
    ohlson_units_per_usd: float = attrs.field(default=1.0, validator=attrs.validators.gt(0))
    connected_days: int = attrs.field(default=30, validator=_at_least_1)
    connected_applications: int = attrs.field(default=4, validator=attrs.validators.ge(2))
    common_value: int = attrs.field(default=30, validator=attrs.validators.ge(2))
    exempt_links: tuple[str, ...] = ()
    evergreening_days: int = attrs.field(default=7, validator=_at_least_1)
    evergreening_times: int = attrs.field(default=3, validator=_at_least_1)
    evergreening_window_days: int = attrs.field(default=365, validator=_at_least_1)
    evergreening_cover: float = attrs.field(default=0.8, validator=_share)
    transfers_days: int = attrs.field(default=20, validator=_at_least_1)
    transfers_customers: int = attrs.field(default=2, validator=_at_least_1)
    salary_purposes: tuple[str, ...] = ("salary", "wages", "payroll", "bonus", "工资", "薪资", "奖金")
