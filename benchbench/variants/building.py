"""Build a variant on a backbone: model, transform and caption reader."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
        clip: what ``towers.build`` returns.
        architecture: its name.
        settings: the objective's, where they are not the variant's own.

    Raises:
        ModelError: towers that no objective can be put on.
    """
    check_backbone(clip, architecture)
    settings = dict(variant.settings if settings is None else settings)
    model = variant.make(clip, **settings)
    preprocessing = dict(clip.visual.preprocess_cfg)
    return Build(
        model=model,
        architecture=architecture,
        preprocessing=preprocessing,
        transform=towers.find_transform(preprocessing),
        reader=model.reader(towers.find_tokenizer(architecture)),
        settings=settings,
    )
