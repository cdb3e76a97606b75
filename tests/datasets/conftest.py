"""Fixtures: a server of the tests' own; no waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchbench.datasets import downloading
from tests.datasets.server import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.datasets.server import Server


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server on this machine, past any proxy."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving() as found:
        yield found


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds between attempts, which nobody waits for."""
    found: list[float] = []
    monkeypatch.setattr(downloading, "pause", found.append)
    return found
