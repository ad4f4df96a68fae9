"""Every error this library raises on purpose, with its stable code and what to do next.

An exception carries a code of the form ``FHR-AREA-NNN``: the area says which room refused, the number never
changes its meaning. A *record* that is bad (one position in a batch of thousands) is data, not an exception: it
comes back as a :class:`fieldhr_core.model.Problem` with a dotted reason such as ``position.no_time``.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "CATALOGUE",
    "AccessError",
    "CaseError",
    "ConfigError",
    "FieldhrDeprecationWarning",
    "FieldhrError",
    "MissingDependencyError",
    "PluginCallError",
    "PluginContractError",
    "PluginError",
    "PluginIncompatibleError",
    "PluginLoadError",
    "RecordError",
    "SandboxError",
    "SourceError",
    "StoreError",
    "TrustError",
]


class FieldhrError(Exception):
    """Root of every error raised by fieldhr.

    Args:
        message: what happened, with the value and the place, without personal data.
        code: stable code; must stand in :data:`CATALOGUE`.
        hint: what to do next, as a command or a setting.
        where: structured attributes (``plugin="acme.crm"``), for programs that read errors.
    """

    def __init__(self, message: str, *, code: str, hint: str = "", **where: object) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint or CATALOGUE.get(code, ("", ""))[1]
        self.where = where

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" + (f" {self.hint}" if self.hint else "")

    def as_record(self) -> dict[str, str]:
        """Return the error as the command line prints it beside a record's id."""
        return {"code": self.code, "message": f"{self.message} {self.hint}".strip()}


class ConfigError(FieldhrError, ValueError):
    """A setting is unknown, missing or of the wrong shape."""


class RecordError(FieldhrError, ValueError):
    """A value handed to the public API is not what its documentation says."""


class StoreError(FieldhrError):
    """The database cannot be used as asked."""


class AccessError(FieldhrError, PermissionError):
    """The principal may not do or see this; the text never tells whether the thing exists."""


class TrustError(FieldhrError):
    """A key, a sealed value, a backup or the audit chain does not hold."""


class CaseError(FieldhrError, ValueError):
    """A case cannot take this step from where it stands."""


class SandboxError(FieldhrError):
    """A synthetic tenant cannot be built or marked as asked."""


class SourceError(FieldhrError, ConnectionError):
    """Another system cannot be reached, refuses, or answers what cannot be used."""


class PluginError(FieldhrError):
    """Something is wrong with one plugin; the others go on."""


class PluginLoadError(PluginError):
    """A plugin could not be imported or validated."""


class PluginIncompatibleError(PluginLoadError):
    """A plugin was made for another version of the plugin API."""


class PluginContractError(PluginError, TypeError):
    """A plugin returned something its contract does not allow."""


class PluginCallError(PluginError, RuntimeError):
    """A plugin raised, hung or is switched off by its breaker."""


class MissingDependencyError(FieldhrError, ImportError):
    """An optional package is needed; the text holds the exact install line."""

    def __init__(self, package: str, extra: str) -> None:
        FieldhrError.__init__(
            self,
            f"{package} is not installed.",
            code="FHR-CFG-010",
            hint=f"Run: python -m pip install 'fieldhr[{extra}]'",
            package=package,
            extra=extra,
        )


class FieldhrDeprecationWarning(DeprecationWarning):
    """Something still works but will go; the text says what to use instead."""


#: code -> (what it means, what to do next). The reference page of errors is generated from this table.
CATALOGUE: Final[dict[str, tuple[str, str]]] = {
    "FHR-CFG-001": (
        "A setting is unknown or has the wrong type.",
        "Correct the setting at the path the message names.",
    ),
    "FHR-CFG-011": (
        "A speech model is unknown, or its archive is not the one that is known by its name.",
        "Give the archive as its makers publish it; add models of your own with their SHA-256.",
    ),
    "FHR-CFG-010": ("An optional package is not installed.", "Install the extra that the message names."),
    "FHR-REC-001": ("A value is outside its documented range.", "Send the value in the unit the reference names."),
    "FHR-REC-002": ("A time has no zone.", "Send aware datetimes, or RFC 3339 text with an offset."),
    "FHR-REC-003": ("A coordinate has no datum.", "Say wgs84, gcj02 or bd09; it is never guessed."),
    "FHR-REC-004": ("A column table does not fit its schema.", "Give every column of the schema, all of one length."),
    "FHR-REC-005": ("Coordinates of different datums were mixed.", "Convert one side first: fieldhr places convert."),
    "FHR-REC-006": ("A file or payload cannot be read.", "Check the format name and the file's encoding."),
    "FHR-REC-007": ("A record refers to something that is not there.", "Store the person or customer first."),
    "FHR-SRC-001": ("Another system cannot be reached.", "Check that it runs and the setting url; then pull again."),
    "FHR-SRC-002": ("Another system refuses the credentials.", "Set a valid key or password with the rights it needs."),
    "FHR-SRC-003": ("Another system asks for fewer requests.", "Wait, then pull again; it goes on where it stopped."),
    "FHR-SRC-004": ("Another system answers what cannot be used.", "Check the url, the mapping and its version."),
    "FHR-SRC-005": (
        "An address may not be reached.",
        "Name the host in allowed_hosts if it is yours and lies in a private network.",
    ),
    "FHR-STO-001": ("The database cannot be opened.", "Check the URL, the file's folder and its permissions."),
    "FHR-STO-002": ("The schema is older or newer than this version.", "Run: fieldhr doctor --fix"),
    "FHR-STO-003": ("Stored bytes are damaged.", "Restore from a backup: fieldhr backup restore"),
    "FHR-STO-004": ("The runtime is closed.", "Open a new one with FieldHR.open(...)."),
    "FHR-STO-005": ("The database is locked or out of space.", "Free space or end the other writer, then repeat."),
    "FHR-STO-006": (
        "The database's own protection is missing, changed, or can be walked round.",
        "Let the owner of the tables run: store.schema.install_row_security(...)",
    ),
    "FHR-ACC-001": ("Not found, or not yours to see.", "Act as a principal whose scope covers it."),
    "FHR-ACC-002": ("The purpose does not allow this.", "Open a desk with a purpose that covers it."),
    "FHR-ACC-003": ("The role may not do this.", "Ask a principal with the role the message names."),
    "FHR-TRU-001": ("A sealed value does not open.", "Check the key provider; run: fieldhr doctor"),
    "FHR-TRU-002": ("A key is missing or unreadable.", "Provide the key file or variable, mode 0600."),
    "FHR-TRU-003": ("The audit chain is broken.", "Run: fieldhr audit verify"),
    "FHR-TRU-004": ("A backup is damaged, foreign or too old.", "Use another backup; see the message."),
    "FHR-CAS-001": ("A case cannot take this step from its state.", "See the states in the reference of cases."),
    "FHR-CAS-002": (
        "A decision came before the person had their say.",
        "Tell the rep and wait for an answer, or until the case's answer_by has passed.",
    ),
    "FHR-CAS-003": (
        "A case cannot be handed over or put off like that.",
        "Name a person above the rep or a desk (@compliance), or a later instant within the tenant's limit.",
    ),
    "FHR-API-001": ("A request could not be understood.", "See the fields that the answer names."),
    "FHR-API-002": ("Nobody known sent this request.", "Send a token that is valid: fieldhr tokens create"),
    "FHR-API-003": (
        "A state change did not come from our own page.",
        "Send the form's token, or authenticate with a bearer token.",
    ),
    "FHR-API-004": ("A request is too large.", "Send it in smaller batches."),
    "FHR-API-005": ("Too many requests.", "Wait as long as Retry-After says."),
    "FHR-API-006": (
        "An idempotency key was used with another body.",
        "Use a new key for a new request, and the old body with the old key.",
    ),
    "FHR-API-007": ("There is nothing that answers this method or media type.", "See the description: /openapi.json"),
    "FHR-API-009": ("A request failed inside the server.", "See the server's log."),
    "FHR-PLG-001": ("A plugin cannot be imported.", "Run: fieldhr plugins list"),
    "FHR-PLG-002": ("A plugin has no valid PLUGIN description.", "Add PLUGIN = PluginInfo(...) to its module."),
    "FHR-PLG-003": ("Two plugins have one name.", "Rename one, or disable it: fieldhr plugins disable NAME"),
    "FHR-PLG-004": ("A plugin needs another plugin API.", "Install a release of it for this API."),
    "FHR-PLG-005": ("A plugin implements a hook that does not exist.", "Check the spelling in the hook reference."),
    "FHR-PLG-006": ("A plugin is asked for by name but not there.", "Install it, or take it out of the list."),
    "FHR-PLG-010": ("A plugin raised.", "See the cause; run: fieldhr plugins test NAME"),
    "FHR-PLG-011": ("A plugin did not answer in time.", "Raise its time limit or fix it."),
    "FHR-PLG-012": ("A plugin returned the wrong shape.", "Run: fieldhr plugins test NAME"),
    "FHR-PLG-013": ("A plugin failed too often and is paused.", "Wait for the cool-down or reset its breaker."),
    "FHR-PLG-014": ("Two providers of one family have one name.", "Rename one of them."),
    "FHR-PLG-015": ("No plugin offers what was asked for.", "Run: fieldhr plugins list"),
    "FHR-SBX-001": ("An unknown pack, recipe or dial.", "Run: fieldhr trial run --help"),
    "FHR-SBX-002": ("The answer key does not match its digest.", "Build the trial again."),
    "FHR-CLI-001": ("The command was used wrongly.", "Run the command with --help."),
}
