"""What a tenant can set about the checks of phrases and of sales."""

from __future__ import annotations

import attrs

__all__ = ["ConductSettings"]


@attrs.frozen(kw_only=True)
class ConductSettings:
    """Settings of ``fieldhr.conduct``.

    Attributes:
        lexicon_file: path of phrases of your own, added to the package's; empty for none.
        homophones: look for the severe categories by sound too; slower.
        likeness: ask for a look at Chinese messages that read like a promise without holding a listed phrase.
        join_within_s: messages of one sender in one thread with no longer pause are read as one.
        join_at_most: how many messages are read as one.
        lowest_confidence: speech recognised with less (0-1) goes to review and raises no alert.
        product_classes: your product names -> ``deposit``, ``government_bond``, ``structured_deposit`` or
            ``contract_guarantee``, as (name, class) pairs.
        quiet_categories: categories that are not looked for.
        approved_products: names of every product a rep may sell; a sale of another is off the books. Empty: not known.
        suitable_margin: levels by which a product's risk (R1-R5) may be above the customer's (C1-C5).
        recording_within_h: hours in which a sale that needs a recording must have one.
    """

    lexicon_file: str = ""
    homophones: bool = True
    likeness: bool = True
    join_within_s: float = 60.0
    join_at_most: int = 5
    lowest_confidence: float = 0.5
    product_classes: tuple[tuple[str, str], ...] = ()
    quiet_categories: tuple[str, ...] = ()
    approved_products: tuple[str, ...] = ()
    suitable_margin: int = attrs.field(default=0, validator=attrs.validators.ge(0))
    recording_within_h: float = attrs.field(default=24.0, validator=attrs.validators.gt(0))
