"""What a plugin is told when it registers."""

from __future__ import annotations

import attrs

__all__ = ["RegistrationContext"]


@attrs.frozen(kw_only=True)
class RegistrationContext:
    """A read-only view of the runtime that is being opened.

    Attributes:
        tenants: ids of the tenants known at start; more may come later.
    """

    tenants: tuple[str, ...] = ()
