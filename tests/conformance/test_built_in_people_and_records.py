"""Connector, scorer, alerters and channels of our own, under the same tests that strangers run."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldhr_core.flow.clock import SystemClock
from fieldhr_core.model import FOLLOW_UPS, STAYS, Datum, Table
from fieldhr_core.testing import (
    AlerterConformance,
    ChannelConformance,
    ConnectorConformance,
    FakeTables,
    ScorerConformance,
    sample_tables,
)
from fieldhr_plugins.behaviour import BehaviourSettings
from fieldhr_plugins.behaviour.low_visits import LowVisits
from fieldhr_plugins.behaviour.no_followup import NoFollowUp
from fieldhr_plugins.channels import FileSettings as FileChannelSettings
from fieldhr_plugins.channels import WebhookSettings
from fieldhr_plugins.channels.file import FileChannel
from fieldhr_plugins.channels.webhook import WebhookChannel
from fieldhr_plugins.crm_files import FileSettings
from fieldhr_plugins.crm_files.connector import FileConnector
from fieldhr_plugins.scorecards import ScorecardSettings
from fieldhr_plugins.scorecards.process import ProcessScorer


class TestFileConnector(ConnectorConformance):
    capabilities = frozenset({"incremental"})

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.path = tmp_path / "c.csv"
        rows = "".join(f"C{n},Name {n},31.{n},121.{n}\n" for n in range(10, 20))
        self.path.write_text(f"id,name,lat,lon\n{rows},Nobody,31,121\nC10,Name 10,31,121\nC30,Name 30,131,121\n")

    def make(self) -> FileConnector:
        return FileConnector(FileSettings(customers=(str(self.path),), datum=Datum.WGS84, page_rows=3))

    def make_broken(self) -> FileConnector:
        return FileConnector(FileSettings(customers=(str(self.path.with_name("gone.csv")),)))


class TestProcessScorer(ScorerConformance):
    def make(self) -> ProcessScorer:
        return ProcessScorer(ScorecardSettings())


def _without(rep: str, *names: str) -> FakeTables:
    def change(table: Table) -> Table:
        return table.take(~table["rep"].where(rep)) if table.schema.name in names else table

    return sample_tables().map(change)


class TestNoFollowUp(AlerterConformance):
    def make(self) -> NoFollowUp:
        return NoFollowUp(BehaviourSettings())

    def alarming(self) -> FakeTables:
        return _without("r-2", FOLLOW_UPS.name)


class TestLowVisits(AlerterConformance):
    def make(self) -> LowVisits:
        return LowVisits(BehaviourSettings())

    def alarming(self) -> FakeTables:
        return _without("r-2", FOLLOW_UPS.name, STAYS.name, "checkins")


class TestFileChannel(ChannelConformance):
    capabilities = frozenset({"deliver"})

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    def make(self) -> FileChannel:
        return FileChannel(FileChannelSettings(folder=str(self.folder)))

    def make_broken(self) -> FileChannel:
        return FileChannel(FileChannelSettings(folder=str(self.folder / "gone")))


class _Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class TestWebhookChannel(ChannelConformance):
    capabilities = frozenset({"deliver"})

    @pytest.fixture(autouse=True)
    def _receiver(self) -> Iterator[None]:
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Receiver) as server:
            self.port = server.server_address[1]
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            yield
            server.shutdown()
            thread.join()

    def make(self) -> WebhookChannel:
        return self._to(self.port)

    def make_broken(self) -> WebhookChannel:
        with http.server.HTTPServer(("127.0.0.1", 0), _Receiver) as closed:
            return self._to(closed.server_address[1])

    def _to(self, port: int) -> WebhookChannel:
        settings = WebhookSettings(
            url=f"http://127.0.0.1:{port}/", secret="s", allow_http=True, allowed_hosts=("127.0.0.1",)
        )
        return WebhookChannel(settings, clock=SystemClock())
