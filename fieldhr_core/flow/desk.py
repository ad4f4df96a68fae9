"""A desk: everything one principal can do, for one purpose, in rooms named after what the business talks about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from fieldhr_core.flow.alerts import Alerts
from fieldhr_core.flow.answers import Answers
from fieldhr_core.flow.attachments import Attachments
from fieldhr_core.flow.boards import Boards
from fieldhr_core.flow.books import Contacts, Inspections, Loans
from fieldhr_core.flow.customers import Customers
from fieldhr_core.flow.deals import Deals
from fieldhr_core.flow.messages import Messages
from fieldhr_core.flow.people import People
from fieldhr_core.flow.places import Places
from fieldhr_core.flow.positions import Positions
from fieldhr_core.flow.reports import Reports
from fieldhr_core.flow.scoring import Scores
from fieldhr_core.flow.sources import Sources
from fieldhr_core.flow.subject import Subject
from fieldhr_core.flow.submissions import Submissions
from fieldhr_core.flow.trail import Trail
from fieldhr_core.flow.upkeep import Retention
from fieldhr_core.flow.visits import Outings, Visits
from fieldhr_core.flow.wording import Wording

if TYPE_CHECKING:
    from fieldhr_core.flow.acting import Acting, TenantFacts
    from fieldhr_core.model import Case, Principal
    from fieldhr_core.trust.audit import Receipt

__all__ = ["Desk"]


class Desk:
    """The rooms of a tenant, open to one principal for one purpose.

    Each call is one transaction: what it returned is durable (in a transaction the host owns: durable with the host's
    commit). Every call leaves its event in the tenant's audit chain.
    """

    def __init__(self, acting: Acting) -> None:
        self._acting = acting
        self.principal: Principal = acting.principal
        self.purpose: str = acting.purpose
        self.people = People(acting)
        self.places = Places(acting)
        self.customers = Customers(acting)
        self.sources = Sources(acting)
        self.outings = Outings(acting)
        self.positions = Positions(acting)
        self.visits = Visits(acting)
        self.attachments = Attachments(acting)
        self.messages = Messages(acting)
        self.deals = Deals(acting)
        self.loans = Loans(acting)
        self.contacts = Contacts(acting)
        self.inspections = Inspections(acting)
        self.submissions = Submissions(acting)
        self.alerts = Alerts(acting)
        self.scores = Scores(acting)
        self.reports = Reports(acting)
        self.boards = Boards(acting)
        self.trail = Trail(acting)
        self.retention = Retention(acting)
        self.subject = Subject(acting)
        self.answers = Answers(acting)

    def tenant(self) -> TenantFacts:
        """Return what the tenant is called and set to, without the settings of plugins: they may hold secrets."""
        with self._acting.unit(write=False) as unit:
            return attrs.evolve(self._acting.facts(unit), settings={})

    @property
    def receipts(self) -> tuple[Receipt, ...]:
        """Receipts of the last reads of the most sensitive classes through this desk, oldest first.

        Whoever keeps one can prove later that the event stood in the trail, even to somebody who rewrote it with its
        key: ``fieldhr_core.trust.audit.verify(..., receipts=...)``.
        """
        return tuple(self._acting.receipts)

    def said(self, case: Case, language: str) -> tuple[str, str]:
        """Return title and body of a case in the words of the plugins, for a BCP 47 language."""
        return self._wording().of_case(case, language)

    def words(self, message: str, language: str, params: Mapping[str, Any]) -> str:
        """Return the text of a message id, for a BCP 47 language; the id itself where nobody has words for it."""
        return self._wording().text(message, language, params) if message else ""

    def _wording(self) -> Wording:
        cached = self._acting.house.cached
        wording: Wording | None = cached.get(("", "wording"))
        if wording is None:
            wording = cached["", "wording"] = Wording.of(self._acting.house.registry)
        return wording
