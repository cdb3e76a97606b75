"""No minute of retries where there is no network."""

from __future__ import annotations

import pytest
from huggingface_hub import constants

from benchbench.models import hub


@pytest.mark.parametrize(("answers", "offline"), [(True, False), (False, True)])
def test_the_cache_alone_is_asked_where_the_hub_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, answers: bool, offline: bool
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(hub, "_answers", lambda _: answers)
    with hub.hub_if_reachable():
        assert constants.HF_HUB_OFFLINE is offline
    assert constants.HF_HUB_OFFLINE is False


def test_offline_stays_offline_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(hub, "_answers", lambda _: pytest.fail("asked"))
    with hub.hub_if_reachable():
        assert constants.HF_HUB_OFFLINE
    assert constants.HF_HUB_OFFLINE


def test_a_host_that_refuses_does_not_answer() -> None:
    assert not hub._answers("http://127.0.0.1:9")
    assert not hub._answers("no address")
