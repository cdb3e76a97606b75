"""A model of open_clip's to be stored in every way."""

from __future__ import annotations

from typing import Any

import open_clip
import pytest
import torch


@pytest.fixture
def model(tiny: str) -> Any:
    """open_clip's own, with QuickGELU."""
    torch.manual_seed(5)
    return open_clip.create_model("tiny-quickgelu").eval()
