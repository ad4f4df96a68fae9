"""The matcher of names: people and organizations, in any script, in any of the ways that one name is written."""

from __future__ import annotations

import re
from typing import Final

from fieldhr_plugins.screening.answers import Match, made
from fieldhr_plugins.screening.likeness import Words
from fieldhr_plugins.screening.organizations import OrganizationName, Organizations
from fieldhr_plugins.screening.persons import PersonName, Persons
from fieldhr_plugins.screening.sounds import Romaniser
from fieldhr_plugins.screening.tables import Tables, load_tables
from fieldhr_plugins.screening.text import Folder

__all__ = ["ORGANIZATION", "PERSON", "Matcher", "Name"]

#: Letters of which nearly every name holds one; reading a name takes longer.
_KNOWN_SCRIPTS: Final = re.compile(r"[0-9A-Za-zÀ-ɏ㐀-鿿Ѐ-ӿ가-힣ぁ-ヺ]")

PERSON: Final = "Person"
ORGANIZATION: Final = "Organization"

#: A name taken apart.
Name = PersonName | OrganizationName


class Matcher:
    """Compares names; build one and keep it, for its tables take some ten milliseconds to read.

    Args:
        alias_file: a tenant's own brands in two languages, see :func:`~fieldhr_plugins.screening.tables.load_tables`.
    """

    def __init__(self, alias_file: str = "", *, tables: Tables | None = None) -> None:
        tables = tables or load_tables(alias_file)
        self.folder = Folder(tables.scripts, tables.han.simplify)
        self.romaniser = Romaniser(tables)
        self.persons = Persons(tables, self.folder, self.romaniser)
        self.organizations = Organizations(tables, self.folder, self.romaniser, Words())

    def read(self, name: str, schema: str) -> Name:
        """Take a name apart, for comparing it many times.

        Args:
            schema: ``Person``; anything else counts as an organization.
        """
        return self.persons.read(name) if schema == PERSON else self.organizations.read(name)

    def is_readable(self, name: str, schema: str) -> bool:
        """Tell whether a name can be compared with others at all: some scripts have no table (Thai, Devanagari ...)."""
        if _KNOWN_SCRIPTS.search(name):
            return True
        read = self.read(name, schema)
        return bool(read.han or (read.words if isinstance(read, PersonName) else read.latin))

    def compare(self, one: Name, other: Name) -> Match:
        """Compare two names taken apart; a person's never matches an organization's."""
        if isinstance(one, PersonName) and isinstance(other, PersonName):
            return self.persons.match(one, other)
        if isinstance(one, OrganizationName) and isinstance(other, OrganizationName):
            return self.organizations.match(one, other)
        return made(0.0, ["a person and an organization"])

    def match(self, name1: str, name2: str, schema: str = PERSON) -> Match:
        """Compare two names.

        Returns:
            The same for both orders of the names. Any text is a name; an empty one matches nothing.
        """
        return self.compare(self.read(name1, schema), self.read(name2, schema))
