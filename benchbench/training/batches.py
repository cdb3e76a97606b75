"""Build batches by step number, in worker processes.

A batch depends on its number alone: a killed run resumes exactly where it was, with any number of
workers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from benchbench.errors import BenchbenchError
from benchbench.training.captions import reword
from benchbench.training.order import ENDLESS, Order
from benchbench.training.rendering import RENDER
from benchbench.training.stages import ChosenExamples, RenderedExamples
from benchbench.training.visibility import Visibility
from benchbench.variants.variant import SwappedCaptions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchbench.scenegraph import Caption
    from benchbench.training.examples import Examples, Source
    from benchbench.training.stages import BatchView
    from benchbench.variants.texts import CaptionReader, Texts
    from benchbench.variants.variant import Batch

PREFETCH = 4


@dataclass(frozen=True)
class BatchBuilder:
    """Batch k of a source, for one process of several."""

    source: Source
    reader: CaptionReader
    views: Sequence[BatchView]
    batch: int
    """The batch size of all processes together."""
    size: int
    """Pixels along an image's side."""
    device: str
    preprocessing: Mapping[str, Any]
    rank: int = 0
    world: int = 1
    order: Order = ENDLESS

    def __getitem__(self, step: int) -> ChosenExamples | RenderedExamples:
        """Return this process's share of a step's batch, prepared as far as a CPU can."""
        each = self.batch // self.world
        start = step * self.batch + self.rank * each
        found = self.choose(self.source.examples(self.order.numbers(start, start + each)))
        return found.render(self.size, "cpu") if self.device == "cpu" else found

    def choose(self, found: Examples) -> ChosenExamples:
        """Read examples, and choose what views show of them."""
        visibility = Visibility(found.scenes, RENDER * self.size)
        return ChosenExamples(
            texts=self._read(found.captions, found.determiners),
            negatives=None if self.source.negatives == "none" else self.swapped(found),
            boxes=found.boxes,
            scenes=found.scenes,
            images=found.images,
            views=tuple(view.choose(found, visibility, self.reader) for view in self.views),
        )

    def _read(self, captions: Sequence[Caption], determiners: Sequence[str | None] | None) -> Texts:
        """Read captions as the model sees them, triples and spans from the original wording."""
        texts = [each.text for each in captions]
        if determiners is not None:
            texts = list(map(reword, texts, determiners))
        return self.reader.read(texts, captions)

    def swapped(self, found: Examples) -> SwappedCaptions:
        """Return all swapped captions, with the determiners of their own captions."""
        rows = [(row, each) for row, some in enumerate(found.swapped) for each in some]
        said = None if found.determiners is None else [found.determiners[row] for row, _ in rows]
        texts = self._read([each for _, each in rows], said)
        most = self.source.swaps
        turns = [turn for some in found.swapped for turn in range(len(some))]
        places = [row * most + turn for (row, _), turn in zip(rows, turns, strict=True)]
        return SwappedCaptions(texts, torch.tensor(places, dtype=torch.int64), most)

    def batches(self, first: int, stop: int, workers: int) -> Iterator[Batch]:
        """Return the batches of these steps, on the device.

        Raises:
            BenchbenchError: as it was raised where the batch was prepared.
        """
        from torch.utils.data import DataLoader

        loader: Any = DataLoader(
            _Prepared(self),  # type: ignore[arg-type]
            batch_size=None,
            sampler=range(first, stop),
            num_workers=workers,
            prefetch_factor=PREFETCH if workers else None,
            multiprocessing_context="spawn" if workers else None,
            pin_memory=self.device.startswith("cuda"),
        )
        for found in loader:
            if isinstance(found, BenchbenchError):
                raise found
            yield self.on_device(found)

    def on_device(self, found: ChosenExamples | RenderedExamples) -> Batch:
        """Finish a batch."""
        if isinstance(found, ChosenExamples):
            found = found.render(self.size, self.device)
        return found.batch(self.device, self.preprocessing)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """The data set of worker processes: batches, or the error, which torch would wrap in a
    trace."""

    feed: BatchBuilder

    def __getitem__(self, step: int) -> ChosenExamples | RenderedExamples | BenchbenchError:
        try:
            return self.feed[step]
        except BenchbenchError as error:
            return error
