"""No minute of retries where there is no network."""

from __future__ import annotations

import socket
import threading

import pytest
from huggingface_hub import constants

from benchbench.checkpoints import hub


@pytest.mark.parametrize(("answers", "offline"), [(True, False), (False, True)])
def test_the_cache_alone_is_asked_where_the_hub_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, answers: bool, offline: bool
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(hub, "_is_reachable", lambda _: answers)
    with hub.offline_if_unreachable():
        assert constants.HF_HUB_OFFLINE is offline
    assert constants.HF_HUB_OFFLINE is False


def test_offline_stays_offline_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(hub, "_is_reachable", lambda _: pytest.fail("asked"))
    with hub.offline_if_unreachable():
        assert constants.HF_HUB_OFFLINE
    assert constants.HF_HUB_OFFLINE


def test_a_host_that_refuses_does_not_answer() -> None:
    assert not hub._is_reachable("http://127.0.0.1:9")
    assert not hub._is_reachable("no address")


def test_a_host_that_answers_garbage_does_not_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        answer = threading.Thread(target=_answer_garbage, args=(server,))
        answer.start()
        assert not hub._is_reachable(f"http://127.0.0.1:{server.getsockname()[1]}")
        answer.join()


def _answer_garbage(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(1024)
        connection.sendall(b"log in first\r\n\r\n")
