"""The kit that strangers run, with samples of every source, so that none of its checks is skipped."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from fieldhr_core.model import Envelope
from fieldhr_core.testing.conformance import DecoderConformance
from fieldhr_plugins.phones.settings import PhonesSettings
from fieldhr_plugins.phones.sources import APPS, FILES, decoder

FIX = {"_type": "location", "lat": 31.2304, "lon": 121.4737, "tst": 1714982340, "tid": "lw"}
COORDS = {"latitude": 31.2304, "longitude": 121.4737, "speed": -1, "heading": -1, "accuracy": 5, "altitude": 3}
TOLD = {"timestamp": "2024-05-06T07:59:00Z", "device_id": "i"}
FEATURE = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [121.4737, 31.2304]}, "properties": TOLD}
FORM = b"id=a&lat=31.2304&lon=121.4737&timestamp=1714982340"
GPX = '<gpx><trk><trkseg><trkpt lat="{}" lon="121.4737"><time>2024-05-06T07:59:00Z</time></trkpt></trkseg></trk></gpx>'
KML = "<kml><Placemark><TimeStamp><when>{}</when></TimeStamp><Point><coordinates>121.4737,31.2304</coordinates></Point></Placemark></kml>"
PLT = b"Geolife trajectory\nWGS 84\n\n\n\n0\n"

#: source -> (good, legitimate without a position, bad).
PAYLOADS: dict[str, tuple[Any, Any, Any]] = {
    "owntracks": (FIX, {"_type": "lwt", "tst": 1}, {**FIX, "lat": 0, "lon": 0}),
    "osmand": (FORM, b"id=a&cell=460,0,1,2", FORM.replace(b"31.", b"131.")),
    "traccar": (
        {"device_id": "a", "location": {"timestamp": "2024-05-06T07:59:00Z", "coords": COORDS}},
        {"device_id": "a", "location": {"timestamp": "2024-05-06T07:59:00Z"}},
        {"location": {"timestamp": "2024-05-06T07:59:00Z", "coords": COORDS}},
    ),
    "overland": (
        {"locations": [FEATURE]},
        {"locations": [{"type": "Feature", "properties": {**TOLD, "action": "will_terminate"}}]},
        {"locations": [{**FEATURE, "geometry": None}]},
    ),
    "gpslogger": (FORM, b"batt=50", FORM.replace(b"id=a&", b"")),
    "mobile": (
        {"device": "p", "positions": [{"time": "2024-05-06T07:59:00Z", "lat": 31.2304, "lon": 121.4737}]},
        {"device": "p", "positions": []},
        {"device": "p", "positions": [{"time": "2024-05-06T07:59:00", "lat": 31.2304, "lon": 121.4737}]},
    ),
    "gpx": (GPX.format("31.2304").encode(), b'<gpx><wpt lat="1" lon="2"/></gpx>', GPX.format("x").encode()),
    "geojson": (
        {"type": "Feature", "geometry": FEATURE["geometry"], "properties": {"time": "2024-05-06T07:59:00Z"}},
        {"type": "FeatureCollection", "features": []},
        {"type": "Feature", "geometry": FEATURE["geometry"]},
    ),
    "csv": (
        b"lat,lon,time\n31.2304,121.4737,1714982340\n",
        b"lat,lon,time\n",
        b"lat,lon,time\n121.4737,31.2304,1714982340\n",
    ),
    "plt": (PLT + b"31.2304,121.4737,0,492,45418.3,2024-05-06,07:59:00\n", PLT, PLT + b"x\n"),
    "rec": (
        b"2024-05-06T07:59:00Z\t*\t" + json.dumps(FIX).encode(),
        b'2024-05-06T07:59:00Z\tlwt\t{"_type":"lwt"}',
        b"2024-05-06T07:59:00Z\t*\t{",
    ),
    "kml": (KML.format("2024-05-06T07:59:00Z").encode(), b"<kml/>", KML.format("").encode()),
}


def _suite(source: str) -> type[DecoderConformance]:
    def envelopes(which: int) -> Sequence[Envelope]:
        payload = PAYLOADS[source][which]
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        received = datetime(2024, 5, 6, 8, 0, tzinfo=UTC)
        options = {"datum": "gcj02"} if source == "csv" else {}
        return [Envelope(source=source, body=body, received=received, name=f"track.{source}", options=options)]

    class Suite(DecoderConformance):
        def make(self) -> Any:
            return decoder(source, PhonesSettings())

        def samples(self) -> Sequence[Envelope]:
            return envelopes(0)

        def ignorable(self) -> Sequence[Envelope]:
            return envelopes(1)

        def bad(self) -> Sequence[Envelope]:
            return envelopes(2)

    Suite.__name__ = Suite.__qualname__ = f"Test{source.title()}"
    return Suite


globals().update({f"Test{source.title()}": _suite(source) for source in PAYLOADS})


@pytest.mark.req("H1")
def test_no_source_is_left_out() -> None:
    assert set(PAYLOADS) == {*APPS, *FILES}
