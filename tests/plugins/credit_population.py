"""A population of borrowers, told from inside: health drifts, cash runs out, firms fail. Knows no ratio and no model.

Independent of the plugin: a firm has a hidden health and a buffer of cash and credit; each year brings profit, interest and
a shock; who ends a year without a buffer fails. Statements are what an accountant would write at the end of each year.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Lines = dict[str, float]


def population(firms: int, years: int, seed: int) -> list[dict[str, Any]]:
    """Return one record a firm and year with ``lines``, ``period_end``, ``borrower`` and ``bad`` (failed in the next year)."""
    random = np.random.default_rng(seed)
    records: list[dict[str, Any]] = []
    for firm in range(firms):
        assets = float(np.exp(random.normal(16, 1.2)))
        debt = float(random.beta(4, 3)) * 0.9 * assets
        health = float(random.normal(0.07, 0.06))
        turnover = float(np.exp(random.normal(0.2, 0.4)))
        short = float(random.uniform(0.5, 0.9))
        liquid = float(random.uniform(0.35, 0.75))
        retained = (assets - debt) * float(random.uniform(-0.1, 0.5))
        for year in range(years):
            health = 0.07 + 0.8 * (health - 0.07) + float(random.normal(0, 0.03))
            ebit = (health + float(random.normal(0, 0.02))) * assets
            interest = 0.05 * debt * 0.7
            income = (ebit - interest) * (0.75 if ebit > interest else 1.0)
            retained += income
            equity = assets - debt + income
            assets = max(assets + 0.5 * income, 1000.0)
            equity = min(equity, 0.97 * assets)
            debt = assets - equity
            current = liquid * assets
            owed_soon = short * debt
            cash = max(0.02, 0.12 + health + float(random.normal(0, 0.05))) * current
            sales = turnover * assets
            buffer = cash + 0.25 * current + 0.6 * equity - 0.15 * owed_soon
            coming = (0.8 * health - 0.05) * assets - 0.05 * debt + 0.15 * float(random.standard_t(3)) * assets
            fails = buffer + coming < 0
            records.append(
                {
                    "borrower": f"b{firm}",
                    "period_end": f"{2015 + year}-12-31",
                    "bad": int(fails),
                    "lines": {
                        "cash": round(cash, 2),
                        "receivables": round(0.4 * (current - cash), 2),
                        "inventory": round(0.4 * (current - cash), 2),
                        "current_assets": round(current, 2),
                        "total_assets": round(assets, 2),
                        "current_liabilities": round(owed_soon, 2),
                        "total_liabilities": round(debt, 2),
                        "equity": round(assets, 2) - round(debt, 2),
                        "retained_earnings": round(retained, 2),
                        "revenue": round(sales, 2),
                        "ebit": round(ebit, 2),
                        "interest_expense": round(interest, 2),
                        "net_income": round(income, 2),
                        "operating_cash_flow": round(income + float(random.normal(0, 0.03)) * assets, 2),
                    },
                }
            )
            if fails:
                break
    return records
