"""Coordinates for addresses that a source gives none for: from a file or a service, and never instead of the source's."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from fieldhr_core.errors import RecordError, SourceError
from fieldhr_core.flow.sources import _placed
from fieldhr_core.hooks import Pulled
from fieldhr_core.intake.geocoding import Gazetteer, Located, WebGeocoder, located
from fieldhr_core.intake.web import WebSettings
from fieldhr_core.model import Address, Customer, Datum

pytestmark = pytest.mark.req("A3")

GIVEN = Address(id="b", text="2 Road", lat=30.0, lon=120.0, datum=Datum.WGS84)
CUSTOMERS = [
    Customer(id="1", name="Li", addresses=(Address(id="a", text="世纪大道 1 号"), GIVEN)),
    Customer(id="2", name="Wang", addresses=(Address(id="a", text="世纪大道1号"),)),
    Customer(id="3", name="Zhao", addresses=(Address(id="a", text="Nowhere"), Address(id="b"))),
]


def places(customers: Sequence[Customer]) -> list[list[tuple[Any, Any]]]:
    return [[(address.lat, address.datum) for address in one.addresses] for one in customers]


def test_a_gazetteer_finds_what_is_written_alike(tmp_path: Path) -> None:
    file = tmp_path / "places.csv"
    file.write_text("address,lat,lon\n世纪大道１号,31.23,121.47\n2 Road,1,1\nFar,931,1\n", encoding="utf-8")
    found = located(CUSTOMERS, Gazetteer(file, Datum.GCJ02))
    assert places(found) == [
        [(31.23, Datum.GCJ02), (30.0, Datum.WGS84)],
        [(31.23, Datum.GCJ02)],
        [(None, None), (None, None)],
    ]
    assert found[2] is CUSTOMERS[2]
    file.write_text("street,lat,lon\nx,1,1\n", encoding="utf-8")
    with pytest.raises(RecordError, match="columns address, lat and lon"):
        Gazetteer(file, Datum.GCJ02)


def test_a_geocoder_that_fails_or_misbehaves_costs_no_customer() -> None:
    class Broken:
        def locate(self, texts: Sequence[str], /) -> list[Located | None]:
            raise SourceError("down", code="FHR-SRC-001")

    class Short:
        def locate(self, texts: Sequence[str], /) -> list[Located | None]:
            return []

    for geocoder in (Broken(), Short()):
        pulled, failures = _placed(Pulled(customers=CUSTOMERS), geocoder)
        assert (list(pulled.customers), failures) == (CUSTOMERS, {"geocoder.failed": 1})


@pytest.fixture
def service() -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            text = parse_qs(urlsplit(self.path).query)["address"][0]
            asked.append(text)
            found = [] if text == "Nowhere" else [{"location": "121.47,31.23", "at": {"lat": 31.5, "lng": 121.5}}]
            data = json.dumps({"geocodes": found}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    listening = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listening.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.server_address[1]}", asked
    listening.shutdown()
    listening.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("paths", "lat"),
    [
        ({"pair": "geocodes[0].location"}, 31.23),
        ({"lat": "geocodes[0].at.lat", "lon": "geocodes[0].at.lng"}, 31.5),
        ({"pair": "geocodes[0].nothing"}, None),
    ],
)
def test_a_service_is_asked_once_a_text(service: Any, paths: dict[str, str], lat: float | None) -> None:
    url, asked = service
    web = WebSettings(url=url, allow_http=True, allowed_hosts=("127.0.0.1",))
    geocoder = WebGeocoder(web, path="/geo", params={"address": "{address}", "key": "k"}, datum=Datum.GCJ02, **paths)
    found = located([*CUSTOMERS, CUSTOMERS[1]], geocoder)
    assert asked == ["世纪大道 1 号", "世纪大道1号", "Nowhere"]
    assert [one.addresses[0].lat for one in found] == [lat, lat, None, lat]
