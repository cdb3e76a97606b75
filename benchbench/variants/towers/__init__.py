"""The small towers that all bundled variants share, as architectures of open_clip.

``benchbench-small-2`` is a CLIP of open_clip's own modules: 64 px, a convolutional stem (``stem``)
and four vision layers, three text layers, all of width 128. The first one, ``benchbench-small``,
has 16 patches and six vision layers. Their tokenizer is open_clip's, with the first 3,584 merges of
CLIP's published list (Radford et al. 2021; MIT licence): 4,098 ids, so that any text tokenises and
the embedding stays small.
"""

from __future__ import annotations

import json
import logging
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

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
        for source in HERE.glob("*.json"):
            config = json.loads(source.read_text("utf-8"))
            # open_clip takes the list of merges by its path, which only this machine knows.
            config["text_cfg"]["tokenizer_kwargs"] = {"bpe_path": str(MERGES)}
            Path(folder, source.name).write_text(json.dumps(config), "utf-8")
        open_clip.add_model_config(folder)


def build(architecture: str, preprocessing: Mapping[str, Any] | None = None) -> Any:
    """Build an ``open_clip.CLIP`` with random weights, from torch's generator.

    Args:
        architecture: open_clip's name, those of the small towers among them.
        preprocessing: recorded beside its weights; by default that of the small towers.

    Raises:
        ValueError: open_clip has no such architecture; of a place to fetch one from, it is none.
    """
    import open_clip

    register()
    if architecture not in open_clip.list_models():
        raise ValueError(f"unknown architecture {architecture!r}")
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)  # that the weights are random is said where it matters
    try:
        return open_clip.create_model(
            architecture,
            pretrained_image=False,
            force_preprocess_cfg=dict(preprocessing or PREPROCESSING),
        )
    finally:
        logging.disable(before)
