"""A process that delivers what is due and may be killed at any instant: ``python delivering.py URL SECONDS``."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

from fieldhr_core import FieldHR
from fieldhr_core.flow.clock import FrozenClock

START = datetime(2026, 3, 2, 10, tzinfo=UTC)

if __name__ == "__main__":
    clock = FrozenClock(START + timedelta(seconds=int(sys.argv[2])))
    with FieldHR.open(sys.argv[1], clock=clock, plugins=["fieldhr_plugins.channels"], autoload=False) as hr:
        print("ready", flush=True)
        hr.advance()
    print("done", flush=True)
