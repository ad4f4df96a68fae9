"""Classes of product for which a wording may be lawful, out of the host's own names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

__all__ = ["CLASSES", "product_classes"]

#: class -> how hosts tend to name it.
CLASSES: Final[dict[str, tuple[str, ...]]] = {
    "structured_deposit": ("structured_deposit", "structureddeposit", "结构性存款", "結構型存款"),
    "deposit": (
        "deposit",
        "savings",
        "saving_account",
        "certificate",
        "cd",
        "term_deposit",
        "fixed_deposit",
        "time_deposit",
        "存款",
        "存单",
        "定期",
        "活期",
        "定存",
        "預金",
        "定期預金",
        "예금",
        "적금",
        "tien_gui",
        "tiết kiệm",
        "เงินฝาก",
    ),
    "government_bond": (
        "treasury",
        "government_bond",
        "govt_bond",
        "gov_bond",
        "savings_bond",
        "gilt",
        "t_bill",
        "tbill",
        "国债",
        "國債",
        "个人向け国債",
        "個人向け国債",
        "국채",
        "trái phiếu chính phủ",
        "พันธบัตรรัฐบาล",
        "公債",
    ),
    "contract_guarantee": (
        "annuity",
        "universal_life",
        "endowment",
        "whole_life",
        "pension_insurance",
        "年金",
        "万能",
        "增额",
        "終身",
        "终身寿",
        "contract_guarantee",
        "guaranteed_benefit",
        "保证领取",
        "養老險",
        "养老险",
        "两全",
    ),
}

_SPLIT: Final = re.compile(r"[\s\-./]+")


def product_classes(product: str, own: Sequence[tuple[str, str]] = ()) -> frozenset[str] | None:
    """Return the classes that a host's product name belongs to; empty where to none, ``None`` where none was given."""
    if not product or not product.strip():
        return None
    name = _SPLIT.sub("_", product.strip().casefold())
    for alias, known in own:
        if _SPLIT.sub("_", alias.casefold()) == name:
            return frozenset({known})
    for known, names in CLASSES.items():
        if any(_names(name, _SPLIT.sub("_", other)) for other in names):
            return frozenset({known})
    return frozenset()


def _names(product: str, known: str) -> bool:
    if known.isascii():
        return re.search(rf"(?:^|_){re.escape(known)}s?(?:_|$)", product) is not None
    return known in product
