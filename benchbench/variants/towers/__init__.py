"""The small towers that all bundled variants share.

``benchbench-small-2`` is a CLIP for 64 px: a convolutional stem (``stem``) and four vision layers,
three text layers, all of width 128. The first one, ``benchbench-small``, has 16 patches and six
vision layers. Their tokenizer is CLIP's with the first 3,584 merges of its published list (Radford
et al. 2021; MIT licence): 4,098 ids, so that any text tokenises and the embedding stays small.

They are built of ``modules``, and known to open_clip as well (``register``), whose models have the
same weights and numbers. Variants may have any other architecture of open_clip's, too.
"""

from __future__ import annotations

import json
import logging
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench.checkpoints.quick_tokens import quicken

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from PIL.Image import Image
    from torch import Tensor

NAME = "benchbench-small-2"
"""The backbone that training starts from by default."""
HERE = Path(__file__).parent
MERGES = HERE / "merges-3584.txt.gz"

PREPROCESSING = {"mean": (0.5,) * 3, "std": (0.25,) * 3, "resize_mode": "squash"}
"""A crop is squashed to a square: cut to one, it would lose an object at either end."""


@cache
def register() -> None:
    """Make the small towers known to open_clip, tokenizer and all; once a process."""
    import open_clip
    from timm.models import register_model

    from benchbench.variants.towers.stem import benchbench_stem_64

    register_model(benchbench_stem_64)
    with tempfile.TemporaryDirectory() as folder:
        for name in small_names():
            config = _config(name)
            # open_clip takes the list of merges by its path, which only this machine knows.
            config["text_cfg"]["tokenizer_kwargs"] = {"bpe_path": str(MERGES)}
            Path(folder, f"{name}.json").write_text(json.dumps(config), "utf-8")
        open_clip.add_model_config(folder)


def small_names() -> list[str]:
    """Return the names of the small towers."""
    return sorted(source.stem for source in HERE.glob("*.json"))


def _config(name: str) -> dict[str, Any]:
    config: dict[str, Any] = json.loads((HERE / f"{name}.json").read_text("utf-8"))
    return config


def build(architecture: str, preprocessing: Mapping[str, Any] | None = None) -> Any:
    """Build a CLIP with random weights, from torch's generator.

    Args:
        architecture: one of the small towers, or open_clip's name of another.
        preprocessing: recorded beside its weights; by default that of the small towers.

    Returns:
        ``modules.CLIP`` or ``open_clip.CLIP``; its ``visual.preprocess_cfg`` is the preprocessing.

    Raises:
        ValueError: open_clip has no such architecture; of a place to fetch one from, it is none.
    """
    preprocessing = dict(preprocessing or PREPROCESSING)
    if architecture not in small_names():
        return _build_other(architecture, preprocessing)
    from benchbench.variants.towers.modules import CLIP
    from benchbench.variants.towers.preprocessing import preprocess_config

    clip: Any = CLIP(_config(architecture))
    clip.visual.preprocess_cfg = preprocess_config(clip.visual.image_size, preprocessing)
    return clip


def _build_other(architecture: str, preprocessing: dict[str, Any]) -> Any:
    """Build an ``open_clip.CLIP``."""
    import open_clip

    if architecture not in open_clip.list_models():
        raise ValueError(f"unknown architecture {architecture!r}")
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)  # that the weights are random is said where it matters
    try:
        return open_clip.create_model(
            architecture, pretrained_image=False, force_preprocess_cfg=preprocessing
        )
    finally:
        logging.disable(before)


def find_tokenizer(architecture: str) -> Any:
    """Return the tokenizer of the small towers, or of another architecture of open_clip's."""
    if architecture in small_names():
        from benchbench.variants.towers.tokenizer import SimpleTokenizer

        return SimpleTokenizer(MERGES, _config(architecture)["text_cfg"]["context_length"])
    import open_clip

    return quicken(open_clip.get_tokenizer(architecture))


def find_transform(config: Mapping[str, Any]) -> Callable[[Image], Tensor]:
    """Return the preprocessing of images, image → [3, height, width].

    Args:
        config: complete, as ``visual.preprocess_cfg`` is.
    """
    from benchbench.variants.towers.preprocessing import SQUASH, Squash

    if config["resize_mode"] == SQUASH:
        return Squash.of(config)
    from open_clip.transform import PreprocessCfg, image_transform_v2

    return image_transform_v2(PreprocessCfg(**config), is_train=False)  # type: ignore[no-any-return]
