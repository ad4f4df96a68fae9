"""Reading a position file from disk by its format."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, TextIO

from fieldhr_core.errors import RecordError
from fieldhr_core.model import Decoded, Envelope
from fieldhr_plugins.phones.settings import PhonesSettings, datum_named, zone_named
from fieldhr_plugins.phones.sources import FILES, decoder

__all__ = ["format_of", "is_stdin", "read_file"]

#: Endings that are no name of a format -> the format.
_ENDINGS: Final = {"json": "geojson", "tsv": "csv", "txt": "csv"}


def format_of(path: Path, stated: str | None = None) -> str:
    """Return the format of a file: the one stated, else what its ending says.

    Raises:
        RecordError: FHR-REC-006 where neither says a known one.
    """
    ending = (stated or path.suffix.removeprefix(".")).lower()
    found = _ENDINGS.get(ending, ending) if stated is None else ending
    if found not in FILES:
        raise RecordError(
            f"The format of {'standard input' if is_stdin(path) else repr(path.name)} is not known.",
            code="FHR-REC-006",
            hint=f"Name it with --format: {', '.join(FILES)}.",
        )
    return found


def is_stdin(path: Path) -> bool:
    """Return whether a path stands for standard input."""
    return str(path) == "-"


def read_file(
    path: Path,
    *,
    stated: str | None = None,
    datum: str | None = None,
    zone: str | None = None,
    key: str | None = None,
    settings: PhonesSettings | None = None,
    stdin: TextIO | None = None,
) -> Decoded:
    """Read one file of positions.

    Args:
        path: the file; ``-`` is *stdin*.
        stated: its format; ``None`` = by its ending.
        datum: of its coordinates; ``None`` = what the format itself says. CSV says nothing.
        zone: IANA name of the zone of times without one.
        key: passphrase of encrypted OwnTracks messages in a ``.rec`` file.
        settings: of the tenant.
        stdin: standard input; its bytes are read where it has a ``buffer``.

    Raises:
        RecordError: FHR-REC-003 where nobody says the datum; FHR-REC-006 where the file cannot be read at all, with the
            dotted reason.
        ConfigError: FHR-CFG-001 where the zone is none.
    """
    source = format_of(path, stated)
    options: dict[str, Any] = {}
    if datum:
        options["datum"] = datum_named(datum)
    if zone:
        options["zone"] = str(zone_named(zone))
    if key:
        options["key"] = key
    body = _bytes(path, stdin)
    # What is read from standard input has no name that could stand for a device.
    envelope = Envelope(source=source, body=body, name="" if is_stdin(path) else path.name, options=options)
    [decoded] = decoder(source, settings).decode([envelope])
    refusal = decoded.rejected
    if refusal is not None and refusal.code == "position.no_datum":
        raise RecordError(
            f"Nothing says the datum of the coordinates in {path.name!r}.",
            code="FHR-REC-003",
            hint="Add --datum wgs84, --datum gcj02 or --datum bd09; it is never guessed.",
        )
    if refusal is not None and not refusal.code.startswith("position."):
        raise RecordError(
            f"{path.name!r} cannot be read: {refusal.message} ({refusal.code})",
            code="FHR-REC-006",
            hint="Check the file, or name its format with --format.",
            reason=refusal.code,
        )
    return decoded


def _bytes(path: Path, stdin: TextIO | None) -> bytes:
    if is_stdin(path) and stdin is not None:
        binary = getattr(stdin, "buffer", None)
        found: bytes = binary.read() if binary is not None else stdin.read().encode("utf-8", "surrogatepass")
        return found
    try:
        return path.read_bytes()
    except OSError as cause:
        raise RecordError(
            f"The file {str(path)!r} cannot be read: {cause.strerror or cause}.",
            code="FHR-REC-006",
            hint="Check its path and permissions.",
        ) from cause
