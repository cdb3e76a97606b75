"""Training examples made once and read by many runs: columns of numbers, a file each.

Drawing takes longer than a small model's step. A pack holds the first examples of a seed as they go
into a batch: pixels, token ids, triples, spans, and swapped captions of either kind. A batch read
from it equals, to the bit, the one that ``Feed`` makes (at most its padding differs). Several
processes make a pack together; a stopped one goes on where it was.

Columns are ``.npy`` files, so that they can be mapped into memory, or moved to a device whole.
"""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from benchbench.errors import UsageError
from benchbench.files import parse_json, read_text
from benchbench.scenegraph import MOST_TRIPLES
from benchbench.training.drawn import DrawnWorld
from benchbench.training.feeding import Feed
from benchbench.training.showing import normalised
from benchbench.variants import towers
from benchbench.variants.spans import MOST_ENTITIES, MOST_RELATIONS, Spans
from benchbench.variants.texts import PADDING, Reader, Texts
from benchbench.variants.variant import Batch, Swapped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import numpy.typing as npt

    from benchbench.variants.variant import Negatives, Variant

    Columns = Mapping[str, npt.NDArray[Any]]

PIECE = 256
"""Examples that are made in one go."""
PROBED = 4
"""Examples that are made anew whenever a pack is opened, to be compared with what it holds."""
LONGEST_PHRASE = 10
"""Token ids of a triple's head, relation or tail."""
SWAPS: dict[Negatives, int] = {"semantic": 3, "random": 6}
"""Swapped captions that are kept of each kind."""
_ORIGIN, _DONE = "origin.json", "done"


@dataclass(frozen=True)
class Recipe:
    """What a pack is made of."""

    seed: int = 0
    size: int = 64
    """Pixels along an image's side."""
    count: int = 100_000
    """Examples, from 0."""
    architecture: str = towers.NAME
    """Whose tokenizer reads the captions."""

    def feed(self, kind: Negatives) -> Feed:
        """Return what makes these examples, with swapped captions of one kind."""
        import open_clip

        towers.register()
        tokenizer = open_clip.get_tokenizer(self.architecture)
        reader = Reader(tokenizer, with_triples=kind == "semantic", with_spans=kind == "semantic")
        world = DrawnWorld(self.seed, negatives=kind, swaps=SWAPS[kind])
        return Feed(world, reader, (), PIECE, self.size, "cpu", towers.PREPROCESSING)

    def layout(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        """Return the type and shape of each column's rows."""
        phrases, length = (MOST_TRIPLES, 3, LONGEST_PHRASE), 64
        found: dict[str, tuple[str, tuple[int, ...]]] = {
            "pixels": ("u1", (3, self.size, self.size)),
            "ids": ("<i2", (length,)),
            "triples": ("<i2", phrases),
            "entities": ("<i2", (MOST_ENTITIES, 2)),
            "relations": ("<i2", (MOST_RELATIONS, 4)),
        }
        for kind, most in SWAPS.items():
            found[f"{kind} there"] = ("?", (most,))
            found[f"{kind} ids"] = ("<i2", (most, length))
        found["semantic triples"] = ("<i2", (SWAPS["semantic"], *phrases))
        return found

    def columns(self, start: int, stop: int, pixels: bool = True) -> dict[str, npt.NDArray[Any]]:
        """Make some examples.

        Args:
            start: the first one.
            stop: one past the last.
            pixels: whether to draw.

        Raises:
            ValueError: something is longer than its column is wide.
        """
        layout, out = self.layout(), dict[str, Any]()
        numbers = np.arange(start, stop)
        for kind in SWAPS:
            feed = self.feed(kind)
            found = feed.prepared(numbers, shown=pixels and kind == "semantic")
            texts, swapped = found.texts, found.negatives
            if texts is None or swapped is None:
                raise RuntimeError("the drawn world gave no captions")
            if kind == "semantic":
                out |= {"ids": texts.ids, "triples": texts.triples}
                if texts.spans is not None:
                    out |= {"entities": texts.spans.entities, "relations": texts.spans.relations}
                if pixels:
                    out["pixels"] = found.pixels
                out["semantic triples"] = _spread(swapped, swapped.texts.triples, len(numbers))
            ones = torch.ones_like(swapped.places, dtype=torch.bool)
            out[f"{kind} there"] = swapped.spread(ones, len(numbers))
            out[f"{kind} ids"] = _spread(swapped, swapped.texts.ids, len(numbers))
        return {name: _fitted(value, *layout[name], name) for name, value in out.items()}


def _spread(swapped: Swapped, values: Any, rows: int) -> Any:
    return swapped.spread(values, rows)


def _fitted(value: Any, kind: str, shape: tuple[int, ...], name: str) -> npt.NDArray[Any]:
    """Return a column's rows, filled up with zeros to its width."""
    array = value.numpy()
    room = [(0, width - had) for width, had in zip(shape, array.shape[1:], strict=True)]
    if any(after < 0 for _, after in room):
        raise ValueError(f"{name} of shape {array.shape[1:]} is wider than its column, {shape}")
    return np.pad(array, [(0, 0), *room], constant_values=PADDING).astype(kind)


@dataclass(frozen=True)
class Pack:
    """Prepared examples on disk."""

    recipe: Recipe
    columns: Columns
    """By name: [count, …], mapped into memory."""
    there: int
    """Examples from the first on, while it is still being made: at most ``recipe.count``."""

    @classmethod
    def open(cls, folder: Path) -> Pack:
        """Open a pack, and compare its first examples with those made now.

        Raises:
            UsageError: there is none, or other code made it.
        """
        recipe = _recipe(folder)
        if recipe is None:
            raise UsageError(f"{folder} holds no pack of training examples.")
        done = np.load(_file(folder, _DONE))
        there = min(PIECE * int(np.cumprod(done).sum()), recipe.count)
        columns = {name: np.load(_file(folder, name), mmap_mode="r") for name in recipe.layout()}
        first = recipe.columns(0, min(PROBED, there))
        if wrong := [n for n, rows in first.items() if not (columns[n][: len(rows)] == rows).all()]:
            raise UsageError(
                f"The pack in {folder} was made by another version: its {', '.join(wrong)} differ "
                "from what this one makes. Remove it, and make it again."
            )
        return cls(recipe, columns, there)

    def batch(self, rows: slice, variant: Variant, reader: Reader) -> Batch:
        """Return some examples as a batch, on the CPU and not yet normalised.

        Args:
            rows: which.
            variant: says which swapped captions, and how many.
            reader: says whether triples and spans are read.
        """
        part = {
            name: torch.from_numpy(np.array(column[rows]))
            for name, column in self._for(variant, reader).items()
        }
        spans = None
        if reader.with_spans:
            spans = Spans(part["entities"].long(), part["relations"].long())
        texts = Texts(_trimmed(part["ids"]), _phrases(part.get("triples")), spans)
        return Batch(part["pixels"], texts, self._negatives(part, variant))

    def _for(self, variant: Variant, reader: Reader) -> Columns:
        names = ["pixels", "ids"]
        kind = variant.negatives
        if kind != "none":
            names += [f"{kind} there", f"{kind} ids"]
        if reader.with_triples:
            names += ["triples", *(["semantic triples"] if kind == "semantic" else [])]
        if reader.with_spans:
            names += ["entities", "relations"]
        return {name: self.columns[name] for name in names}

    def _negatives(self, part: Mapping[str, Any], variant: Variant) -> Swapped | None:
        kind, most = variant.negatives, variant.swaps
        if kind == "none":
            return None
        there = part[f"{kind} there"][:, :most]
        triples = part.get(f"{kind} triples")
        texts = Texts(
            _trimmed(part[f"{kind} ids"][:, :most][there]),
            None if triples is None else _phrases(triples[:, :most][there]),
        )
        return Swapped(texts, there.flatten().nonzero()[:, 0], most)


def _trimmed(ids: Any) -> Any:
    """Return ids without the columns that hold padding alone."""
    longest = max(int((ids != PADDING).sum(dim=-1).max()) if len(ids) else 1, 1)
    return ids[..., :longest].long()


def _phrases(triples: Any) -> Any:
    return None if triples is None else _trimmed(triples)


@dataclass(frozen=True)
class PackedFeed:
    """Batches by step, as ``Feed`` gives them, read from a pack."""

    pack: Pack
    variant: Variant
    reader: Reader
    size: int
    device: str
    preprocessing: Mapping[str, Any]

    def batches(self, first: int, stop: int, workers: int) -> Iterator[Batch]:
        """Return the batches of these steps, on the device.

        Raises:
            UsageError: the pack has fewer examples.
        """
        if stop * self.size > self.pack.there:
            raise UsageError(
                f"{stop:,} steps of {self.size} need {stop * self.size:,} examples, and the pack "
                f"holds {self.pack.there:,} so far. Make a larger one, or take fewer steps."
            )
        for step in range(first, stop):
            rows = slice(step * self.size, (step + 1) * self.size)
            batch = self.pack.batch(rows, self.variant, self.reader)
            batch.images = normalised(batch.images.to(self.device), self.preprocessing)
            batch.texts = batch.texts.to(self.device)
            if batch.negatives is not None:
                batch.negatives = batch.negatives.to(self.device)
            yield batch


def make(
    folder: Path,
    recipe: Recipe,
    *,
    processes: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Pack:
    """Make a pack, or go on with a stopped one.

    Args:
        folder: where its columns go.
        recipe: what it is made of.
        processes: how many make it together.
        progress: called with the examples that are there, and with all.

    Raises:
        UsageError: the folder holds another pack.
    """
    _prepare(folder, recipe)
    left = np.flatnonzero(~np.load(_file(folder, _DONE))).tolist()
    total, there = recipe.count, recipe.count - PIECE * len(left)
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        tasks = [pool.submit(_make_piece, folder, recipe, piece) for piece in left]
        for task in as_completed(tasks):
            task.result()
            there += PIECE
            if progress is not None:
                progress(min(max(there, 0), total), total)
    return Pack.open(folder)


def _prepare(folder: Path, recipe: Recipe) -> None:
    found = _recipe(folder)
    if found is not None and found != recipe:
        raise UsageError(f"{folder} holds a pack of other settings: {found}. Name another folder.")
    if found is not None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    for name, (kind, shape) in recipe.layout().items():
        _new(_file(folder, name), kind, (recipe.count, *shape))
    _new(_file(folder, _DONE), "?", (-(-recipe.count // PIECE),))
    (folder / _ORIGIN).write_text(json.dumps(asdict(recipe)), "utf-8")


def _new(path: Path, kind: str, shape: tuple[int, ...]) -> None:
    np.lib.format.open_memmap(path, "w+", np.dtype(kind), shape)


def _recipe(folder: Path) -> Recipe | None:
    path = folder / _ORIGIN
    return Recipe(**parse_json(read_text(path))) if path.is_file() else None


def _file(folder: Path, name: str) -> Path:
    return folder / f"{name.replace(' ', '-')}.npy"


def _make_piece(folder: Path, recipe: Recipe, piece: int) -> None:
    """Write a piece, and then that it is there."""
    torch.set_num_threads(1)
    rows = slice(piece * PIECE, min((piece + 1) * PIECE, recipe.count))
    for name, values in recipe.columns(rows.start, rows.stop).items():
        column = np.load(_file(folder, name), mmap_mode="r+")
        column[rows] = values
        column.flush()
    done = np.load(_file(folder, _DONE), mmap_mode="r+")
    done[piece] = True
    done.flush()
