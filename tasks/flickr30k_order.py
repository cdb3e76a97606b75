"""Flickr30k-Order: is the caption the original, or one of four shuffles of it? (ARO; ICLR 2023)."""

from __future__ import annotations

from benchbench.data.order_task import OrderTask, order_info
from benchbench.protocols.harnesses import original_caption

SOURCE = "flickr30k_test.json"

TASK = OrderTask(
    order_info(
        name="flickr30k-order",
        title="Flickr30k-Order",
        source=SOURCE,
        harnesses=original_caption("Flickr30k_Order", "AROFlickrOrder", "flickr30k_order"),
        size="5,000 items",
        licence="MIT (code upstream); Flickr30k, for research (photographs' own licences apply)",
        measures=(
            "Whether a model prefers a caption to four shuffles of its words. Chance is 20. "
            "Shuffled text looks shuffled: a reader of n-grams that sees no image answers nine "
            "items in ten of Flickr8k's captions and of coco-order's, so that a high score says "
            "little about structure seen."
        ),
        quirks=(
            "The official file, flickr30k_test.json, has 1,000 images and 5,000 captions. "
            "Flickr8k's test split in the same form serves too: in a folder of its own, under that "
            "name. The edition's name tells them apart.",
        ),
    ),
    SOURCE,
)
