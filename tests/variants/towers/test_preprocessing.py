"""Images are preprocessed as open_clip does by torchvision, to the bit."""

from __future__ import annotations

from typing import Any

import open_clip
import pytest
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image

from benchbench.variants import towers
from benchbench.variants.towers.preprocessing import DEFAULTS, Squash, preprocess_config

CONFIG = preprocess_config((64, 64), towers.PREPROCESSING)
OTHERS: list[dict[str, Any]] = [
    {},
    {"size": 48, "interpolation": "bilinear"},
    {"size": [32, 80], "mean": [0.48145466, 0.4578275, 0.40821073], "std": [0.2, 0.3, 0.27]},
]


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("size", [(90, 60), (64, 64), (17, 5), (300, 400)])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_squashed_images_are_open_clips(
    other: dict[str, Any], size: tuple[int, int], mode: str
) -> None:
    config = CONFIG | other
    ours = towers.find_transform(config)
    assert isinstance(ours, Squash)
    bands = [Image.effect_noise(size, spread) for spread in (20, 80, 150)]
    image = Image.merge("RGB", bands).convert(mode)
    wanted = image_transform_v2(PreprocessCfg(**config), is_train=False)(image)
    found = ours(image)
    assert torch.equal(found, wanted)
    assert found.dtype == wanted.dtype
    assert found.stride() == wanted.stride()


def test_every_value_of_a_pixel_is_normalised_as_open_clip_does() -> None:
    ramp = Image.new("L", (256, 1))
    ramp.putdata(range(256))
    config = CONFIG | {"size": (1, 256), "mean": DEFAULTS["mean"], "std": DEFAULTS["std"]}
    wanted = image_transform_v2(PreprocessCfg(**config), is_train=False)(ramp)
    assert torch.equal(towers.find_transform(config)(ramp), wanted)


def test_other_resize_modes_are_open_clips_own() -> None:
    config = CONFIG | {"resize_mode": "shortest"}
    image = Image.effect_noise((90, 60), 80).convert("RGB")
    wanted = image_transform_v2(PreprocessCfg(**config), is_train=False)(image)
    assert torch.equal(towers.find_transform(config)(image), wanted)


def test_defaults_are_open_clips() -> None:
    assert vars(PreprocessCfg()) == DEFAULTS
    theirs = open_clip.transform.merge_preprocess_dict(
        PreprocessCfg(size=64), {"mean": None, "fill_color": 3, "other": 1}
    )
    assert preprocess_config(64, {"mean": None, "fill_color": 3, "other": 1}) == theirs
