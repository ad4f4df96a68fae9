"""The lines of a financial statement that credit knows, and the names hosts give them."""

from __future__ import annotations

import unicodedata
from typing import Final

import attrs

__all__ = ["BY_NAME", "LINES", "Line", "line_named"]


@attrs.frozen
class Line:
    """One line.

    Attributes:
        name: what we call it.
        is_flow: summed over the period (revenue); otherwise it stands at its end (cash).
        at_least_zero: a negative figure is an error.
        others: other names it goes by; English ones in lower case with underscores, Chinese ones as printed.
    """

    name: str
    is_flow: bool
    at_least_zero: bool
    others: tuple[str, ...] = ()


def _stock(name: str, *others: str, signed: bool = False) -> Line:
    return Line(name, is_flow=False, at_least_zero=not signed, others=others)


def _flow(name: str, *others: str, signed: bool = True) -> Line:
    return Line(name, is_flow=True, at_least_zero=not signed, others=others)


#: Balance sheet, income statement, cash flow statement, in the order they are printed. The Chinese names are those of
#: the general statement forms under the Chinese accounting standards (our own list; check with your chart of accounts).
LINES: Final[tuple[Line, ...]] = (
    _stock("cash", "cash_and_equivalents", "cash_and_cash_equivalents", "货币资金"),
    _stock("receivables", "accounts_receivable", "trade_receivables", "应收账款"),
    _stock("inventory", "inventories", "stocks", "存货"),
    _stock("current_assets", "total_current_assets", "流动资产合计"),
    _stock("noncurrent_assets", "non_current_assets", "total_non_current_assets", "非流动资产合计"),
    _stock("total_assets", "assets", "资产总计", "资产合计"),
    _stock("short_term_debt", "short_term_borrowings", "短期借款"),
    _stock("current_liabilities", "total_current_liabilities", "short_term_liabilities", "流动负债合计"),
    _stock("long_term_debt", "long_term_borrowings", "长期借款"),
    _stock(
        "noncurrent_liabilities",
        "non_current_liabilities",
        "long_term_liabilities",
        "total_non_current_liabilities",
        "非流动负债合计",
    ),
    _stock("total_liabilities", "liabilities", "负债合计", "负债总计"),
    _stock("retained_earnings", "undistributed_profit", "accumulated_profit", "未分配利润", "留存收益", signed=True),
    _stock(
        "equity",
        "total_equity",
        "shareholders_equity",
        "stockholders_equity",
        "book_equity",
        "net_assets",
        "所有者权益合计",
        "股东权益合计",
        "净资产",
        signed=True,
    ),
    _flow("revenue", "sales", "net_sales", "turnover", "operating_revenue", "营业收入", signed=False),
    _flow("cost_of_sales", "cost_of_goods_sold", "cogs", "operating_cost", "营业成本", signed=False),
    _flow("ebit", "operating_income", "earnings_before_interest_and_taxes", "息税前利润"),
    _flow("interest_expense", "interest_expenses", "interest", "利息费用", "利息支出"),
    _flow("profit_before_tax", "pretax_income", "利润总额"),
    _flow("tax", "income_tax", "tax_expense", "所得税费用"),
    _flow("net_income", "net_profit", "profit", "净利润"),
    _flow("depreciation", "depreciation_and_amortization", "折旧和摊销", signed=False),
    _flow(
        "operating_cash_flow", "cash_flow_from_operations", "cfo", "ocf", "经营活动产生的现金流量净额", "经营现金流净额"
    ),
    _flow("investing_cash_flow", "cash_flow_from_investing", "cfi", "icf", "投资活动产生的现金流量净额"),
    _flow("financing_cash_flow", "cash_flow_from_financing", "cff", "筹资活动产生的现金流量净额"),
    _flow("fx_effect", "exchange_rate_effect", "汇率变动对现金的影响"),
    _stock("opening_cash", "cash_at_beginning", "beginning_cash", "期初现金及现金等价物余额"),
    _stock("closing_cash", "cash_at_end", "ending_cash", "期末现金及现金等价物余额"),
)

#: name -> line.
BY_NAME: Final[dict[str, Line]] = {line.name: line for line in LINES}

_KNOWN: Final[dict[str, str]] = {name: line.name for line in LINES for name in (line.name, *line.others)}


def line_named(name: str) -> str | None:
    """Return our name of a line, or ``None`` where it is none of ours: ``Total assets`` is ``total_assets``."""
    folded = unicodedata.normalize("NFKC", name).strip().casefold().replace("&", "and").replace("'", "")
    return _KNOWN.get("_".join(folded.replace("-", " ").replace("_", " ").split()))
