"""The control: CLIP (Radford et al., ICML 2021), trained like every other variant here."""

from __future__ import annotations

from benchbench.variants.adapter import family
from benchbench.variants.structclip import StructCLIP
from benchbench.variants.variant import Variant

VARIANTS = (
    Variant(
        "clip",
        "InfoNCE alone: the control",
        "Radford et al., Learning transferable visual models, ICML 2021 (arXiv 2103.00020)",
        StructCLIP,
        {},
    ),
    Variant(
        "clip:dense",
        "InfoNCE alone, with dense captions of half of the whole images: ScenarioCLIP's control",
        "Radford et al., Learning transferable visual models, ICML 2021 (arXiv 2103.00020)",
        StructCLIP,
        {},
        dense_percent=50,
    ),
)

FAMILY = family(VARIANTS)
