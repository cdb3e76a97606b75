"""COCO-Order: is the caption the original, or one of four shuffles of it? (ARO; ICLR 2023)."""

from __future__ import annotations

from benchbench.data.order_task import OrderTask, order_info
from benchbench.data.order_words import COCO_SHUFFLES
from benchbench.protocols.harnesses import original_caption

SOURCE = "coco_karpathy_test.json"
TASK = OrderTask(
    order_info(
        name="coco-order",
        title="COCO-Order",
        source=SOURCE,
        harnesses=original_caption("COCO_Order", "AROCocoOrder", "coco_order"),
        size="25,010 items",
        frozen=COCO_SHUFFLES[0],
        licence="MIT (code upstream); COCO, CC BY 4.0 (photographs' own licences apply)",
        measures=(
            "Whether a model prefers a caption to four shuffles of its words. Chance is 20. "
            "Shuffled text looks shuffled: blind:ngram, which sees no image, answers 93 % (see "
            "below), so that a high score says little about structure seen."
        ),
        quirks=(
            "Blind, by distinct, with standard errors: blind:ngram, a language model of true "
            "captions, answers 94.3 % (± 0.2) of COCO's own, learned from one half of the images "
            "and tested on the other, and 93.0 % (± 0.4) of the drawn world's, learned from "
            "1,000 training scenes. A logistic regression on n-grams (n to 3) of CLIP's tokens, "
            "which learns from the shuffles too, answers 90.0 % (± 0.3) and 92.4 % (± 0.4): "
            "benchmarks/order_blind.py. Published, with an image and ties right: CLIP 46 to 48, "
            "NegCLIP 86.",
            "The official file, coco_karpathy_test.json, has 5,000 images and 25,010 captions; "
            "all its photographs lie in COCO's val2014.",
            "'data get coco-order' makes the shuffles from those captions, byte for byte, without "
            "a tagger: which of their words are nouns and adjectives is in the package.",
        ),
    ),
    SOURCE,
    seeds_sha256=COCO_SHUFFLES[1:],
)
