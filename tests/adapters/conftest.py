"""The fixtures that tests of checkpoints have, too, and a server on this machine."""

from __future__ import annotations

import threading
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from benchbench.adapters import api_client
from tests.adapters.api_server import SECRET, Handler, Served
from tests.checkpoints.conftest import model

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["model"]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Served]]:
    """A server on this machine: its address, and what it was sent."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv(api_client.KEY, SECRET)
    monkeypatch.delenv(api_client.BASE_URL, raising=False)
    state = Served()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("H", (Handler,), {"served": state}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1", state
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that were waited, without waiting."""
    found: list[float] = []
    monkeypatch.setattr("benchbench.adapters.api_client.time.sleep", found.append)
    return found
