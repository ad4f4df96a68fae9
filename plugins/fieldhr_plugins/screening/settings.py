"""What a tenant can set about screening."""

from __future__ import annotations

import attrs

__all__ = ["FORMATS", "ListFile", "ScreeningSettings"]

#: Formats of lists that can be read; ``auto`` looks at the file.
FORMATS = ("auto", "opensanctions", "ftm", "ofac", "un", "csv")


@attrs.frozen(kw_only=True)
class ListFile:
    """One list to screen against.

    Attributes:
        path: the file; for OFAC the ``sdn.csv``, beside which ``alt.csv`` is looked for.
        format: ``auto``, ``opensanctions``, ``ftm``, ``ofac``, ``un`` or ``csv``.
        name: what the list is called in evidence; empty takes the file's name.
        kind: ``sanctions``, ``dishonest_debtor``, ``house`` or your own word; stated in the evidence.
    """

    path: str
    format: str = attrs.field(default="auto", validator=attrs.validators.in_(FORMATS))
    name: str = ""
    kind: str = "sanctions"


@attrs.frozen(kw_only=True)
class ScreeningSettings:
    """Settings of ``fieldhr.screening``.

    Attributes:
        lists: the lists to screen against; without one, nothing is cleared.
        review_from: a likeness of names (0-1) from which a person must look.
        alias_file: your own brand names in two languages, CSV with a brand a line; empty for none.
        tell_rep: whether the rep who holds the customer is told of a hit.
        invalid_numbers: whether an impossible identity number or credit code keeps a customer from being cleared.
        risky_labels: the host's words for a customer's risk with whom frequent contact is told.
        risky_industries: classes of business that count the same.
        contact_times: so many contacts of one rep with such a customer are told,
        contact_days: within so many days.
        excusing_records: kinds of follow-up that explain them: an assignment to recover a debt, a report.
    """

    lists: tuple[ListFile, ...] = ()
    review_from: float = attrs.field(default=0.85, validator=[attrs.validators.ge(0.7), attrs.validators.le(1.0)])
    alias_file: str = ""
    tell_rep: bool = True
    invalid_numbers: bool = True
    risky_labels: tuple[str, ...] = ("high", "dishonest_debtor", "p2p", "sanctioned", "blacklisted")
    risky_industries: tuple[str, ...] = ("p2p",)
    contact_times: int = attrs.field(default=3, validator=attrs.validators.ge(2))
    contact_days: int = attrs.field(default=10, validator=attrs.validators.ge(1))
    excusing_records: tuple[str, ...] = ("recovery", "report")
