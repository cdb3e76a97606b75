"""The second control: NegCLIP (Yüksekgönül et al., ICLR 2023), random words swapped.

Two nouns, adjectives or verbs of the caption change places, chosen at random
(``scenegraph.random_negative``). ``negclip:published`` has its authors' loss: swapped captions are
further columns of the softmax, and half of each batch are hard alternative images. (The authors
search them among all training images by CLIP's embeddings; in the drawn world such a search would
find a scene's twin: the same objects, their roles or attributes exchanged.) In ``negclip`` swapped
captions enter as Structure-CLIP's do, so that it differs from ``structclip:negatives`` only in
which words are swapped.

Random swaps rarely exchange two roles: ``negclip:dose`` exchanges the nouns of two ends as often as
semantic negatives do, 0.8 times a caption, by more random swaps per caption (2.96 on average;
semantic ones are 1.27). The loss averages over all swaps, so that those weigh less in it: 27 %
against 61 %, counted on 2,560 captions.
"""

from __future__ import annotations

from benchbench.variants.adapter import family
from benchbench.variants.structclip import StructCLIP
from benchbench.variants.variant import Variant

SOURCE = (
    "Yüksekgönül et al., When and why vision-language models behave like bags-of-words, "
    "ICLR 2023 (arXiv 2210.01936)"
)
_SWAPS = {"swap_weight": 2.0, "swap_sharpness": 10.0}
DIFFERS = (
    "swapped captions enter by a softplus of their margin, not as further columns of the softmax, "
    "and there are no hard alternative images."
)

VARIANTS = (
    Variant(
        "negclip",
        "random swaps as negatives: the second control",
        SOURCE,
        StructCLIP,
        _SWAPS,
        differs=DIFFERS,
        negatives="random",
    ),
    Variant(
        "negclip:dose",
        "NegCLIP with more random swaps: as many exchanged nouns as semantic negatives have",
        SOURCE,
        StructCLIP,
        _SWAPS,
        differs=DIFFERS,
        negatives="random",
        swaps=6,
    ),
    Variant(
        "negclip:published",
        "NegCLIP as its authors train it: columns of the softmax, hard alternative images",
        SOURCE,
        StructCLIP,
        {"columns": True},
        differs="its hard alternative images are twins of drawn scenes, not images that CLIP's "
        "embeddings find.",
        negatives="random",
        twins=True,
    ),
)

FAMILY = family(VARIANTS)
