"""What records say about themselves: notes that are copied or come too early, photos that are used again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import attrs

from fieldhr_core.hooks import Offer, PluginInfo, RegistrationContext, hookimpl

if TYPE_CHECKING:
    from fieldhr_core.hooks import Alerter

__all__ = ["PLUGIN", "RecordSettings", "fieldhr_register_alerters"]


@attrs.frozen(kw_only=True)
class RecordSettings:
    """Thresholds of the three rules.

    Attributes:
        copied_notes: so many notes for different customers that are alike open a case.
        copied_within_days: calendar days within which they were written.
        copied_similarity: share of their text that must be equal (0-1).
        least_text: shorter notes say too little to be copied.
        early_min: a visit record written more than so many minutes before the visit began opens a case.
        early_kinds: kinds of records that describe a meeting; a preparation is none.
        same_bits: fingerprints of photos that differ in so many of 64 bits, or fewer, are of one picture.
    """

    copied_notes: int = attrs.field(default=8, validator=attrs.validators.ge(3))
    copied_within_days: int = attrs.field(default=10, validator=attrs.validators.ge(1))
    copied_similarity: float = attrs.field(default=0.9, validator=[attrs.validators.gt(0.5), attrs.validators.le(1)])
    least_text: int = attrs.field(default=10, validator=attrs.validators.ge(1))
    early_min: float = attrs.field(default=30.0, validator=attrs.validators.ge(0))
    early_kinds: tuple[str, ...] = ("visit", "joint_visit")
    same_bits: int = attrs.field(default=10, validator=attrs.validators.ge(0))


PLUGIN = PluginInfo(
    name="fieldhr.records",
    version="0.1.0",
    summary="Copied notes, notes written before the visit, photos used for several borrowers.",
    purposes=("compliance",),
    settings=RecordSettings,
)


@hookimpl
def fieldhr_register_alerters(context: RegistrationContext) -> Iterable[Offer[Alerter]]:
    """Offer ``record.copied_notes``, ``record.predates_visit`` and ``record.photo_reused``."""
    del context

    def copied(settings: RecordSettings | None) -> Alerter:
        from fieldhr_plugins.records.copied import CopiedNotes

        return CopiedNotes(settings or RecordSettings())

    def early(settings: RecordSettings | None) -> Alerter:
        from fieldhr_plugins.records.early import EarlyNotes

        return EarlyNotes(settings or RecordSettings())

    def photos(settings: RecordSettings | None) -> Alerter:
        from fieldhr_plugins.records.photos import ReusedPhotos

        return ReusedPhotos(settings or RecordSettings())

    return [
        Offer("record.copied_notes", copied, role="find"),
        Offer("record.predates_visit", early, role="find"),
        Offer("record.photo_reused", photos, role="find"),
    ]
