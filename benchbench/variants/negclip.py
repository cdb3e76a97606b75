"""The second control: NegCLIP (Yüksekgönül et al., ICLR 2023), random words swapped.

Two nouns, adjectives or verbs of the caption change places, whichever they are
(``scenegraph.random_negative``). Its authors add such captions as further columns of the softmax;
here they enter as Structure-CLIP's do, so that it differs from ``structclip:negatives`` in which
words are swapped alone. (An eighth of the drawn captions have no semantic swap, all but 0.2 % a
random one.)
"""

from __future__ import annotations

from benchbench.variants.adapter import family
from benchbench.variants.structclip import Contrastive
from benchbench.variants.variant import Variant

VARIANTS = (
    Variant(
        "negclip",
        "random swaps as negatives: the second control",
        "Yüksekgönül et al., When and why vision-language models behave like bags-of-words, "
        "ICLR 2023 (arXiv 2210.01936)",
        Contrastive,
        {"swap_weight": 2.0, "swap_sharpness": 10.0},
        differs="swapped captions enter by a softplus of their margin, not as further columns of "
        "the softmax.",
        negatives="random",
    ),
)

FAMILY = family(VARIANTS)
