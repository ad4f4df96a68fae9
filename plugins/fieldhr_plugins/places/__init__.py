"""Places: positions to stays, visits and verdicts; off-site dwell, check-ins elsewhere, doubts about the data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from fieldhr_core.hooks import Command, Offer, PluginInfo, hookimpl
from fieldhr_plugins.places.settings import PlacesSettings

if TYPE_CHECKING:
    import argparse
    from typing import TextIO

    from fieldhr_core.hooks import Alerter, Resolver

__all__ = ["PLUGIN", "PlacesSettings"]

PLUGIN = PluginInfo(
    name="fieldhr.places",
    version="0.1.0",
    summary="Stays, visits and verdicts from positions; off-site dwell and check-ins elsewhere.",
    purposes=("visits", "supervision"),
    settings=PlacesSettings,
)


@hookimpl
def fieldhr_register_locators() -> Iterable[Offer[Resolver]]:
    """Offer the resolver ``places``."""
    return [Offer("places", _resolver, role="resolve")]


@hookimpl
def fieldhr_register_alerters() -> Iterable[Offer[Alerter]]:
    """Offer the alerters about whereabouts."""
    return [
        Offer("track.offsite_dwell", _offsite_dwell, role="find"),
        Offer("checkin.mismatch", _checkin_mismatch, role="find"),
        Offer("crm.address_suspect", _address_suspect, role="find"),
        Offer("quality.datum_shift", _datum_shift, role="find"),
        Offer("quality.datum_shift.by_night", _datum_shift_by_night, role="find"),
        Offer("behaviour.short_day", _short_day, role="find"),
        Offer("device.carried_for_another", _carried_for_another, role="find"),
        Offer("visit.unsupported", _unsupported_visits, role="find"),
        Offer("device.doubts", _device_doubts, role="find"),
        Offer("device.shared", _shared_device, role="find"),
        Offer("device.replayed_track", _replayed_track, role="find"),
        Offer("track.gap_pattern", _gap_pattern, role="find"),
    ]


@hookimpl
def fieldhr_register_commands() -> Iterable[Command]:
    """Offer ``places stays``, ``places day`` and ``places calendar``."""
    return [
        _command(("places", "stays"), "Stays of one track, no store needed.", "stays"),
        _command(("places", "day"), "One rep's day: where, when, which customer, what is unknown.", "day"),
        _command(
            ("places", "calendar"), "Holidays and make-up days of a country, and until when official.", "calendar"
        ),
    ]


def _command(path: tuple[str, ...], summary: str, name: str) -> Command:
    # Imported when it is called: listing commands must stay cheap.
    def add(parser: argparse.ArgumentParser) -> None:
        from fieldhr_plugins.places import commands

        getattr(commands, f"{name}_arguments")(parser)

    def act(args: argparse.Namespace, stdin: TextIO, stdout: TextIO) -> int:
        from fieldhr_plugins.places import commands

        status: int = getattr(commands, name)(args, stdin, stdout)
        return status

    return Command(path=path, summary=summary, arguments=add, run=act)


def _resolver(settings: Any) -> Resolver:
    from fieldhr_plugins.places.resolver import StayResolver

    return StayResolver(settings)


def _offsite_dwell(settings: Any) -> Alerter:
    from fieldhr_plugins.places.dwell import OffsiteDwell

    return OffsiteDwell(settings)


def _checkin_mismatch(settings: Any) -> Alerter:
    from fieldhr_plugins.places.checkins import CheckinMismatch

    return CheckinMismatch(settings)


def _address_suspect(settings: Any) -> Alerter:
    from fieldhr_plugins.places.addresses import AddressSuspect

    return AddressSuspect(settings)


def _datum_shift(settings: Any) -> Alerter:
    from fieldhr_plugins.places.datumshift import DatumShift

    return DatumShift(settings)


def _datum_shift_by_night(settings: Any) -> Alerter:
    from fieldhr_plugins.places.datumshift import DatumShiftByNight

    return DatumShiftByNight(settings)


def _short_day(settings: Any) -> Alerter:
    from fieldhr_plugins.places.shortday import ShortDays

    return ShortDays(settings)


def _carried_for_another(settings: Any) -> Alerter:
    from fieldhr_plugins.places.carried import CarriedForAnother

    return CarriedForAnother(settings)


def _unsupported_visits(settings: Any) -> Alerter:
    from fieldhr_plugins.places.records import UnsupportedVisits

    return UnsupportedVisits(settings)


def _device_doubts(settings: Any) -> Alerter:
    from fieldhr_plugins.places.doubts import DeviceDoubts

    return DeviceDoubts(settings)


def _shared_device(settings: Any) -> Alerter:
    from fieldhr_plugins.places.doubts import SharedDevice

    return SharedDevice(settings)


def _replayed_track(settings: Any) -> Alerter:
    from fieldhr_plugins.places.doubts import ReplayedTrack

    return ReplayedTrack(settings)


def _gap_pattern(settings: Any) -> Alerter:
    from fieldhr_plugins.places.doubts import GapPattern

    return GapPattern(settings)
