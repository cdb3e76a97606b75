"""Fixtures of the tasks' tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import SHARED


@pytest.fixture(scope="session")
def official_annotations() -> Path:
    """Official annotations of suites, without photographs; skips where they are absent."""
    root = SHARED / "suites"
    if not root.is_dir():
        pytest.skip("no official annotations beside the checkout")
    return root
