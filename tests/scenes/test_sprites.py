"""The asset of sprites is what ``tools/sprites.py`` draws."""

from __future__ import annotations

import numpy as np

from benchbench.scenes import sprites
from benchbench.scenes.vocabulary import SPRITES
from tools.sprites import columns, drawings


def test_the_asset_is_what_the_tool_draws() -> None:
    drawn = columns()
    with np.load(sprites.FILE) as found:
        assert set(found.files) == set(drawn)
        for name, column in drawn.items():
            assert found[name].dtype == column.dtype, name
            same = np.array_equal(found[name], column, equal_nan=column.dtype.kind == "f")
            assert same, f"{name} differs: python -m tools.sprites"


def test_every_sprite_has_its_anchors() -> None:
    assert len(sprites.masters()) == len(SPRITES)
    assert list(sprites.anchors()) == [dict(each.anchors) for each in drawings()]
