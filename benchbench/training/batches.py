"""Batches by step number, prepared in worker processes.

A batch depends on its number alone: a killed run resumes exactly where it was, with any number of
workers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from benchbench.errors import BenchbenchError
from benchbench.training.order import ENDLESS, Order
from benchbench.training.rendering import RENDER, cut_parts, draw_on, normalise
from benchbench.training.wording import reword
from benchbench.variants.variant import Batch, Swapped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchbench.training.examples import Examples, Source
    from benchbench.training.views import BatchView
    from benchbench.types.arrays import Ints
    from benchbench.variants.texts import CaptionReader, Tagged, Texts

PREFETCH = 4


@dataclass(frozen=True)
class BatchBuilder:
    """Batch k of a source, for one process of several."""

    source: Source
    reader: CaptionReader
    views: Sequence[BatchView]
    batch: int
    """Of all processes together."""
    size: int
    """Pixels along an image's side."""
    device: str
    preprocessing: Mapping[str, Any]
    rank: int = 0
    world: int = 1
    order: Order = ENDLESS

    def __getitem__(self, step: int) -> Examples:
        """Return this process's share of a step's batch, made as far as a CPU can."""
        each = self.batch // self.world
        start = step * self.batch + self.rank * each
        numbers = self.order.numbers(start, start + each)
        return self.prepared(numbers, shown=self.device == "cpu")

    def prepared(self, numbers: Ints, shown: bool) -> Examples:
        """Return the examples of these numbers, [n], read and, if wanted, drawn on the CPU."""
        found = self.source.examples(numbers)
        found.side = RENDER * self.size
        found.texts = self._read(found.captions, found.determiners, found.tagged)
        if self.source.negatives != "none":
            found.negatives = self.swapped(found)
        for view in self.views:
            view.prepare(found, self.reader)
        if shown:
            self._show(found, "cpu")
        return found

    def _read(
        self,
        captions: list[str],
        determiners: Sequence[str | None] | None,
        tagged: Sequence[Tagged] | None = None,
    ) -> Texts:
        """Read captions as the model sees them, triples and spans from the original wording."""
        if determiners is None:
            return self.reader.read(captions, tagged)
        heard = list(map(reword, captions, determiners))
        return self.reader.read(heard, tagged, meant=captions)

    def swapped(self, found: Examples) -> Swapped:
        """Return all swapped captions, worded as the captions that they are made of."""
        rows = [(row, each) for row, some in enumerate(found.swapped) for each in some]
        said = None if found.determiners is None else [found.determiners[row] for row, _ in rows]
        texts = self._read([each for _, each in rows], said)
        most = self.source.swaps
        turns = [turn for some in found.swapped for turn in range(len(some))]
        places = [row * most + turn for (row, _), turn in zip(rows, turns, strict=True)]
        return Swapped(texts, torch.tensor(places, dtype=torch.int64), most)

    def _show(self, found: Examples, device: str) -> None:
        """Draw, and cut out what every view shows."""
        if found.scenes is not None:
            images = draw_on(found.scenes, RENDER * self.size, device)
        elif found.images is not None:
            images = found.images.to(device)
        else:
            return
        found.pixels = cut_parts(images, torch.from_numpy(found.boxes), self.size)
        for view in self.views:
            view.show(found, images, self.size)
        found.scenes = found.images = None

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

    def on_device(self, found: Examples) -> Batch:
        """Finish a batch."""
        if found.pixels is None:
            self._show(found, self.device)
        if found.pixels is None or found.texts is None:
            raise RuntimeError("a source gave neither pixels, images nor scenes")
        pixels = found.pixels.to(self.device, non_blocking=True)
        negatives = found.negatives
        batch = Batch(
            images=normalise(pixels, self.preprocessing),
            texts=found.texts.to(self.device),
            negatives=None if negatives is None else negatives.to(self.device),
        )
        for view in self.views:
            view.add(batch, found, self)
        return batch


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What workers hand over: batches, or why there is none, which torch would wrap in a trace."""

    feed: BatchBuilder

    def __getitem__(self, step: int) -> Examples | BenchbenchError:
        try:
            return self.feed[step]
        except BenchbenchError as error:
            return error
