"""What a tenant can set about the checks of phrases and of sales."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import attrs

__all__ = ["HOUSE", "ConductSettings", "OwnPhrase"]

#: Category of a phrase that was confirmed without saying which rule it breaks.
HOUSE: Final = "house_phrase"
_SEVERITIES: Final = ("", "info", "low", "medium", "high", "critical")


def _is_instant(_: object, attribute: attrs.Attribute[str], value: str) -> None:
    if value:
        try:
            aware = datetime.fromisoformat(value).tzinfo is not None
        except ValueError:
            aware = False
        if not aware:
            raise ValueError(f"{attribute.name} must be an RFC 3339 instant with its zone, or empty")


@attrs.frozen(kw_only=True)
class OwnPhrase:
    """One phrase of a tenant's own list.

    Attributes:
        phrase: as the lexicon writes phrases; a plain one is found in its disguises, too.
        category: of the lexicon, or ``house_phrase``: no rule but the house's own.
        severity: overrides the category's; empty for that.
        since, until: RFC 3339 instants between which it holds; empty: always, and for good.
        by, case, reason: who confirmed it, on which case, and why.
    """

    phrase: str = attrs.field(default="", validator=attrs.validators.min_len(1))
    category: str = HOUSE
    severity: str = attrs.field(default="", validator=attrs.validators.in_(_SEVERITIES))
    since: str = attrs.field(default="", validator=_is_instant)
    until: str = attrs.field(default="", validator=_is_instant)
    by: str = ""
    case: str = ""
    reason: str = ""

    def holds_at(self, at: datetime) -> bool:
        """Whether it is in force at an instant."""
        begun = not self.since or datetime.fromisoformat(self.since) <= at
        return begun and not (self.until and datetime.fromisoformat(self.until) <= at)


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
        phrases: the tenant's own phrases, with when they hold; confirming a ``conduct.new_phrase`` adds one.
        new_phrase_rep_days: on how many rep-days of the last five a phrase must stand to be proposed.
        new_phrase_reps: how many reps of a branch must use it (all of a smaller branch).
        new_phrases_at_most: how many phrases a branch are proposed in one evening.
        internal_channels: channels on which nobody speaks to customers.
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
    phrases: tuple[OwnPhrase, ...] = ()
    new_phrase_rep_days: int = attrs.field(default=8, validator=attrs.validators.ge(2))
    new_phrase_reps: int = attrs.field(default=3, validator=attrs.validators.ge(1))
    new_phrases_at_most: int = attrs.field(default=5, validator=attrs.validators.ge(1))
    internal_channels: tuple[str, ...] = ("internal", "it", "it_support", "intranet", "training")
