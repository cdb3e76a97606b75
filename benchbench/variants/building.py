"""Build a variant on a backbone: model, transform and caption reader."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchbench.checkpoints.quick_tokens import quicken
from benchbench.variants import towers
from benchbench.variants.features import check_backbone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchbench.variants.texts import CaptionReader
    from benchbench.variants.variant import Variant


@dataclass(frozen=True, slots=True)
class Build:
    """A model of a variant, and how images and captions get into it."""

    model: Any
    """``variant.VariantModel``"""
    architecture: str
    preprocessing: Mapping[str, Any]
    """open_clip's: size, mean, std, interpolation, resize_mode."""
    transform: Any
    """PIL image → [3, size, size]."""
    reader: CaptionReader
    settings: Mapping[str, Any]

    @property
    def size(self) -> int:
        """Return the pixels along an image's side."""
        size = self.preprocessing["size"]
        return int(size if isinstance(size, int) else size[0])


def build_variant(
    variant: Variant, clip: Any, architecture: str, settings: Mapping[str, Any] | None = None
) -> Build:
    """Put a variant on towers.

    Args:
        variant: which.
        clip: an ``open_clip.CLIP``.
        architecture: open_clip's name for it.
        settings: the objective's, where they are not the variant's own.

    Raises:
        ModelError: towers that no objective can be put on.
    """
    import open_clip
    from open_clip.transform import PreprocessCfg, image_transform_v2

    check_backbone(clip, architecture)
    towers.register()
    settings = dict(variant.settings if settings is None else settings)
    model = variant.make(clip, **settings)
    config = PreprocessCfg(**clip.visual.preprocess_cfg)
    return Build(
        model=model,
        architecture=architecture,
        preprocessing=dict(clip.visual.preprocess_cfg),
        transform=image_transform_v2(config, is_train=False),
        reader=model.reader(quicken(open_clip.get_tokenizer(architecture))),
        settings=settings,
    )
