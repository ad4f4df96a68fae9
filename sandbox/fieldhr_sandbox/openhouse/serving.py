"""``fieldhr trial open``: builds a house, serves its console on this machine only, and opens a browser on it."""

from __future__ import annotations

import asyncio
import json
import socket
import tempfile
import threading
import time
import webbrowser
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from fieldhr_core.errors import ConfigError, MissingDependencyError
from fieldhr_core.hooks.applications import ASGI, Receive, Scope, Send
from fieldhr_sandbox.openhouse.site import application, viewer_caller
from fieldhr_sandbox.openhouse.stage import Stage

if TYPE_CHECKING:
    import argparse

__all__ = ["open_house"]


def open_house(args: argparse.Namespace, stdout: TextIO) -> int:
    """Serve until interrupted; the first line of output says where and after how many seconds, as a JSON object."""
    try:
        import uvicorn
    except ImportError as cause:
        raise MissingDependencyError("uvicorn", "trial") from cause
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="fieldhr-trial-") as place, _listening(args.port) as listener:
        folder = Path(args.out) if args.out else Path(place)
        folder.mkdir(parents=True, exist_ok=True)
        is_first = True
        while True:
            stage = Stage.set_up(args.pack, args.seed, folder)
            server: Any = None
            wanted: list[bool] = []

            def reset() -> None:
                wanted.append(True)  # noqa: B023 - of this round
                server.should_exit = True  # noqa: B023 - of this round

            applications = stage.hr.applications(
                authenticate=partial(viewer_caller, stage), besides=[application(stage, reset)]
            )
            filling = threading.Thread(target=stage.fill_in, name="fieldhr-trial-fill-in", daemon=True)
            config = uvicorn.Config(
                _then(applications, filling),
                log_config=None,
                access_log=False,
                server_header=False,
                lifespan="on",
                ws="none",
            )
            server = uvicorn.Server(config)
            if is_first:
                _say(args, listener, stdout, time.perf_counter() - begun)
            is_first = False
            asyncio.run(server.serve(sockets=[listener.dup()]))
            if filling.ident is not None:
                filling.join()
            applications.close()
            stage.close()
            if not wanted:
                return 0


def _then(applications: ASGI, filling: threading.Thread) -> ASGI:
    """Begin to fill the house in when the first page was answered: until then nothing takes time from it."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await applications(scope, receive, send)
        if scope["type"] == "http" and filling.ident is None:
            filling.start()

    return answer


def _say(args: argparse.Namespace, listener: socket.socket, stdout: TextIO, seconds: float) -> None:
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    stdout.write(
        json.dumps({"url": url, "trial": f"{url}trial", "seconds": round(seconds, 2), "simulated": True}) + "\n"
    )
    stdout.flush()
    if not args.no_browser:
        webbrowser.open(url)


def _listening(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(128)
    except (OSError, OverflowError) as cause:
        listener.close()
        raise ConfigError(
            f"Nothing can listen at port {port}: {cause}.",
            code="FHR-CFG-001",
            hint="Name another with --port; 0 takes any free one.",
        ) from cause
    return listener
