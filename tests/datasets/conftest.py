"""Fixtures: servers of the tests' own, with TLS and without; no waits."""

from __future__ import annotations

import shutil
import subprocess
import urllib.request
from typing import TYPE_CHECKING

import pytest

from benchbench.datasets import downloading, replies
from tests.datasets.server import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.datasets.server import Server


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server on this machine, past any proxy."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving() as found:
        yield found


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of 127.0.0.1 that nobody signed, with its key; skips without openssl."""
    if not (openssl := shutil.which("openssl")):
        pytest.skip("no openssl command makes a certificate here")
    folder = tmp_path_factory.mktemp("certificate")
    key, own, both = (folder / name for name in ("key.pem", "own.pem", "both.pem"))
    subprocess.run(
        [
            *(openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", key, "-out", own),
        ],
        check=True,
        capture_output=True,
    )
    both.write_bytes(key.read_bytes() + own.read_bytes())
    return both


@pytest.fixture
def secure(certificate: Path, server: Server) -> Iterator[Server]:
    """A server over TLS, beside the one without."""
    with serving(certificate) as found:
        yield found


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust in that certificate, by the variable that OpenSSL reads, and in no other."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.with_name("own.pem")))
    monkeypatch.setattr(replies, "OPENER", urllib.request.build_opener(replies._Redirects))


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds between attempts, which nobody waits for."""
    found: list[float] = []
    monkeypatch.setattr(downloading, "pause", found.append)
    return found
