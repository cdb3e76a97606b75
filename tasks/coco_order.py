"""COCO-Order: the caption as written, or one of four shuffles of it? (ARO; ICLR 2023)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.data.order import read_order_items
from benchbench.types import DataFile, Metric, TaskInfo

if TYPE_CHECKING:
    from pathlib import Path

    from benchbench.types import Item

ARO = "mertyg/vision-language-models-are-bows-and-what-to-do-about-it"
FROZEN = "coco_order_negatives.json"


class COCOOrder:
    """Five options a picture: its caption, and four orders of the caption's words."""

    info = TaskInfo(
        name="coco-order",
        title="COCO-Order",
        version=1,
        protocol="matching",
        headline="aro-code",
        metrics=(
            Metric(
                name="aro-code",
                meaning="items",
                ties="right",
                source=f"{ARO}, COCO_Order.evaluate_scores: the true option first, then argmax",
            ),
            Metric(name="micro", meaning="items"),
        ),
        files=(
            DataFile(
                path=FROZEN,
                what="captions with frozen shuffles (format: benchbench.data.order), and their "
                "pictures where it names them",
                source="benchbench scenes export; for COCO's own captions "
                "(coco_karpathy_test.json, 25,010 of them), benchbench.data.order.frozen with a "
                "tagger of your choice",
            ),
        ),
        paper=(
            "Yüksekgönül, Bianchi, Kalluri, Jurafsky and Zou, 'When and why vision-language "
            "models behave like bags-of-words, and what to do about it?', ICLR 2023"
        ),
        license="MIT (code upstream); COCO, CC BY 4.0 (photographs' own licences apply)",
        measures=(
            "Whether a model prefers a caption to four shuffles of its words. Guessing earns 20. "
            "Shuffled text looks shuffled: a language model that sees no picture answers most "
            "items, so that a high score says little about structure seen."
        ),
        quirks=(
            "Upstream never published its shuffles, and draws them anew each time: one checkpoint "
            "has been reported at 82.6, 86.8 and 86.9. Here they are frozen in the file.",
            "A shuffle may return the original (two nouns: half of the time). Such no-ops are "
            "counted and kept: they tie, so that the tie rule decides the item.",
        ),
    )

    def items(self, root: Path) -> list[Item]:
        """One item a caption, the true option first."""
        return read_order_items(root, FROZEN)


TASK = COCOOrder()
