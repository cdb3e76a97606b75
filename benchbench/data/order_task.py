"""The parts that COCO-Order and Flickr30k-Order share: options, metrics, seeds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from benchbench.data.karpathy import read_training
from benchbench.data.order import frozen_name, stream_order_items
from benchbench.types import DataFile, Metric, TaskInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from benchbench.types import Entry, Harness, Item

ARO = "mertyg/vision-language-models-are-bows-and-what-to-do-about-it"
PAPER = (
    "Yüksekgönül, Bianchi, Kalluri, Jurafsky and Zou, 'When and why vision-language models behave "
    "like bags-of-words, and what to do about it?', ICLR 2023"
)
FROZEN = "official-2026-11-30"
"""The edition of shuffles whose digest a task pins: upstream published none."""
SEEDS = (1, 2, 3, 4)
"""Further shuffles of the same captions, for the spread between seeds; 0 is the task itself."""

METRICS = (
    Metric(
        name="distinct",
        meaning="items with a negative that differs",
        ties="wrong",
        no_ops="drop",
    ),
    Metric(
        name="aro-code",
        meaning="items, no-ops kept",
        ties="right",
        source=f"{ARO}, COCO_Order.evaluate_scores: the true option first, then argmax",
    ),
    Metric(name="micro", meaning="items, no-ops kept"),
)

QUIRKS = (
    "Upstream never published its shuffles, and draws them anew each time: one checkpoint has been "
    "reported at 82.6, 86.8 and 86.9. Here they are frozen in the file. The tasks NAME.seed1 to "
    "NAME.seed4 have the same captions in other shuffles, for the spread between seeds.",
    "A shuffle may return the original (two nouns: half of the time). Such no-ops are found by the "
    "model's own tokens and counted. distinct drops them, so that every item has an answer; "
    "aro-code keeps them and calls their ties right, micro keeps them under --ties.",
    "The chance of aro-code and micro is 1 in 5, as if all options differed: random scores "
    "tie on every no-op, and come out a point or two higher on aro-code, some four lower on micro.",
)


def order_info(
    name: str,
    title: str,
    source: str,
    *,
    measures: str,
    quirks: tuple[str, ...],
    licence: str,
    harnesses: tuple[Harness, ...] = (),
    size: str,
    frozen: str = "",
) -> TaskInfo:
    """Return the card of an order task whose captions come from the Karpathy file ``source``.

    ``frozen`` is the SHA-256 of the file of shuffles; empty if none is pinned.
    """
    return TaskInfo(
        name=name,
        title=title,
        version=1,
        protocol="matching",
        headline="distinct",
        metrics=METRICS,
        files=(_file(source, 0),),
        official=_edition(source, 0, frozen),
        paper=PAPER,
        license=licence,
        measures=measures,
        quirks=(*QUIRKS, *quirks),
        harnesses=harnesses,
        size=size,
        suites=("aro", "compositional", "order"),
    )


def _edition(source: str, seed: int, frozen: str) -> dict[str, dict[str, str]]:
    """Return the edition of shuffles of a digest: edition → file → SHA-256."""
    return {FROZEN: {frozen_name(source, seed): frozen}} if frozen else {}


def _file(source: str, seed: int) -> DataFile:
    seeds = f" --seeds {seed}" if seed else ""
    return DataFile(
        path=frozen_name(source, seed),
        what="captions with frozen shuffles (format: benchbench.data.order), and their images "
        "where it names them",
        source=f"benchbench data freeze-order DIR/{source}{seeds}, which shuffles the official "
        "captions; or benchbench scenes export",
    )


@dataclass(frozen=True, slots=True)
class OrderTask:
    """A task with five options per image: its caption, and four orders of the caption's words."""

    info: TaskInfo
    source: str
    """The Karpathy file that was shuffled."""
    seed: int = 0
    seeds_sha256: tuple[str, ...] = ("", "", "", "")
    """The digests of the further files of shuffles, in the order of ``SEEDS``."""

    def items(self, root: Path) -> list[Item]:
        """Return one item per caption, the true option first."""
        return list(self.stream(root))

    def stream(self, root: Path) -> Iterator[Item]:
        """Yield the same items one by one."""
        return stream_order_items(root, frozen_name(self.source, self.seed), self.seed)

    def training(self, root: Path) -> list[Entry]:
        """Return the images of the training split beside it, with their captions.

        The list is empty where there is no training split.
        """
        return read_training(root, self.source)

    @property
    def variants(self) -> Mapping[str, OrderTask]:
        """Return the tasks with the same captions under other shuffles, by name: seed1 to seed4."""
        return {} if self.seed else {f"seed{seed}": self._with(seed) for seed in SEEDS}

    def _with(self, seed: int) -> OrderTask:
        info = replace(
            self.info,
            name=f"{self.info.name}.seed{seed}",
            title=f"{self.info.title}, seed {seed}",
            files=(_file(self.source, seed),),
            official=_edition(self.source, seed, self.seeds_sha256[SEEDS.index(seed)]),
            suites=(),
        )
        return replace(self, info=info, seed=seed)
