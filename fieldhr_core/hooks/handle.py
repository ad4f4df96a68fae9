"""The handle by which core holds one provider of a plugin."""

from __future__ import annotations

from typing import Any

import attrs

__all__ = ["ProviderHandle"]


@attrs.define(eq=False, kw_only=True)
class ProviderHandle:
    """One provider made for one tenant, with what the guard knows about it.

    Attributes:
        plugin, family, role, name: where it comes from (``acme.crm``, ``connectors``, no role, ``acme``).
        tenant: whom it was made for.
        provider: the provider itself; call it through the guard only.
        stated: what it says about itself (``codes``, ``kinds`` ...), read once; also attributes of the handle.
        calls, seconds: how many calls came back or failed, and how long they took together. Approximate where several
            threads call one provider at once.
        failures_in_a_row: since the last good answer.
        paused_at: when its breaker opened, on the guard's monotonic clock; ``None`` while it is closed.
    """

    plugin: str
    family: str
    role: str
    name: str
    tenant: str
    provider: Any
    stated: dict[str, Any] = attrs.field(factory=dict)
    calls: int = 0
    seconds: float = 0.0
    failures_in_a_row: int = 0
    paused_at: float | None = None

    def __getattr__(self, name: str) -> Any:
        # Only reached for names that are no fields. What a provider states is read once, guarded, when it is made:
        # reading it from the provider itself would run a plugin's code outside the guard.
        try:
            return object.__getattribute__(self, "stated")[name]
        except (KeyError, AttributeError):
            raise AttributeError(name) from None

    @property
    def title(self) -> str:
        """The plugin's name, with the provider's where that says more."""
        says_no_more = not self.name or self.name == self.plugin or self.plugin.endswith(f".{self.name}")
        return self.plugin if says_no_more else f"{self.plugin} ({self.name})"
