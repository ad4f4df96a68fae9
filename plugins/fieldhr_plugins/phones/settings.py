"""What a tenant can set about its phones and files."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import attrs

from fieldhr_core.errors import ConfigError, RecordError
from fieldhr_core.model import Datum, Envelope

__all__ = ["PhonesSettings", "Terms", "datum_named", "zone_named"]

#: Sources whose protocol or app takes positions from the phone's operating system, or whose format is WGS-84 by its own
#: specification. CSV says nothing, so it is not here.
_DOCUMENTED: Final[dict[str, str]] = {
    "owntracks": "wgs84",
    "osmand": "wgs84",
    "traccar": "wgs84",
    "overland": "wgs84",
    "gpslogger": "wgs84",
    "mobile": "wgs84",
    "gpx": "wgs84",
    "geojson": "wgs84",
    "kml": "wgs84",
    "plt": "wgs84",
    "rec": "wgs84",
}


@attrs.frozen(kw_only=True)
class PhonesSettings:
    """Settings of the plugin ``fieldhr.phones``.

    Attributes:
        datums: source -> datum, laid over the documented defaults (``wgs84`` for every app and format but CSV). A phone
            with a Chinese map kit inside its app may deliver GCJ-02: say so here.
        zone: IANA name for times that carry none; empty = such times are refused.
        owntracks_key: passphrase of encrypted OwnTracks payloads, where the host gives none with the payload.
        earliest_year: positions older than this year are impossible (a phone whose clock was reset says 1970).
        ahead_s: how far a fix may lie ahead of its arrival before its time is impossible.
    """

    datums: Mapping[str, str] = attrs.field(factory=dict)
    zone: str = ""
    owntracks_key: str = attrs.field(default="", repr=False)
    earliest_year: int = 2000
    ahead_s: float = 86_400.0

    def terms(self, envelope: Envelope) -> Terms:
        """Return what holds for one payload: its own options, then these settings, then the documented defaults.

        Raises:
            ConfigError: FHR-CFG-001 where a zone or a datum of the options or settings is none.
        """
        options = envelope.options
        datum = options.get("datum") or self.datums.get(envelope.source) or _DOCUMENTED.get(envelope.source)
        zone = options.get("zone") or self.zone
        received = envelope.received
        latest = options.get("latest")
        if received is not None:
            latest_s: float | None = received.timestamp() + self.ahead_s
        else:
            latest_s = latest.timestamp() if isinstance(latest, datetime) else None
        return Terms(
            datum=None if datum is None else datum_named(datum),
            zone=zone_named(zone) if zone else None,
            zone_stated=bool(options.get("zone")),
            device=str(options.get("device") or ""),
            key=str(options.get("key") or self.owntracks_key),
            received=received,
            earliest_s=datetime(self.earliest_year, 1, 1, tzinfo=ZoneInfo("UTC")).timestamp(),
            latest_s=latest_s,
        )


@attrs.frozen(kw_only=True)
class Terms:
    """What holds for the positions of one payload.

    Attributes:
        datum: of its coordinates, where the payload does not say; ``None`` = nobody said.
        zone: of times that carry none; ``None`` = such times are refused.
        zone_stated: whether the zone came with this payload, not from the tenant's settings.
        device: the identity the host knows the sender by; empty = what the payload says.
        key: passphrase of encrypted payloads; empty = none.
        received: instant of arrival, aware.
        earliest_s, latest_s: bounds of a possible fix time, seconds since 1970; ``None`` = no bound.
    """

    datum: Datum | None
    zone: ZoneInfo | None = None
    zone_stated: bool = False
    device: str = ""
    key: str = attrs.field(default="", repr=False)
    received: datetime | None = None
    earliest_s: float = 946_684_800.0
    latest_s: float | None = None


def datum_named(name: object) -> Datum:
    """Return the datum of a name as people write it (``WGS-84``, ``gcj02``).

    Raises:
        RecordError: FHR-REC-003 where it is none.
    """
    plain = str(name).lower().replace("-", "").replace("_", "").replace(" ", "")
    try:
        return Datum(plain)
    except ValueError as cause:
        raise RecordError(f"{str(name)[:40]!r} is no datum.", code="FHR-REC-003") from cause


def zone_named(name: object) -> ZoneInfo:
    """Return the time zone of an IANA name.

    Raises:
        ConfigError: FHR-CFG-001 where there is none of that name.
    """
    try:
        return ZoneInfo(str(name))
    except (ValueError, OSError, KeyError) as cause:  # ZoneInfoNotFoundError is a KeyError; a folder is an OSError
        raise ConfigError(
            f"{str(name)[:60]!r} is no time zone.", code="FHR-CFG-001", hint="Give an IANA name, such as Asia/Shanghai."
        ) from cause
