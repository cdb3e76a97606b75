"""Packs: training examples that are prepared once and read by many runs, one file per column.

Drawing an example takes longer than a small model's training step. A pack holds the first examples
of a seed in the form that goes into a batch (``columns``). Several processes make a pack together;
a stopped one resumes. Columns are ``.npy`` files: they can be mapped into memory, or moved to a
device whole (``load_on_device``). ``pack_batches`` reads batches from them.
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
from benchbench.training.batches import BatchBuilder
from benchbench.training.columns import (
    SWAPS,
    TURNS,
    VIEW_COLUMNS,
    layout_of,
    pad_rows,
    turns_layout,
)
from benchbench.training.drawn_world import DrawnWorld
from benchbench.training.views import find_views
from benchbench.variants import towers
from benchbench.variants.texts import CaptionReader, turn_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import numpy.typing as npt

    from benchbench.scenegraph import Caption
    from benchbench.training.columns import Layout
    from benchbench.training.examples import Examples
    from benchbench.training.stages import RenderedExamples
    from benchbench.variants.variant import Negatives, SwappedCaptions

    Columns = Mapping[str, npt.NDArray[Any]]

PIECE = 256
"""Examples of one piece, which a worker prepares at once."""
SAMPLE_SIZE = 4
"""Examples that are prepared again whenever a pack is opened, and compared with it."""
_ORIGIN, _DONE = "origin.json", "done"


@dataclass(frozen=True)
class Recipe:
    """The settings that decide a pack's content."""

    seed: int = 0
    size: int = 64
    """Pixels along an image's side."""
    count: int = 100_000
    """Examples, from 0."""
    architecture: str = towers.NAME
    """Whose tokenizer reads the captions."""
    twins: bool = False
    """Whether every odd example is of the twin of the scene before it."""
    dense_percent: int = 0
    """The percentage of whole images that come with a dense caption."""
    views: tuple[str, ...] = ()
    """Names of ``columns.VIEW_COLUMNS``: what is kept besides."""
    turns: bool = False
    """Whether it is kept which captions' triples are turned (``CaptionReader.turned_percent``)."""

    def __post_init__(self) -> None:
        if unknown := [name for name in self.views if name not in VIEW_COLUMNS]:
            raise UsageError(
                f"The views {', '.join(unknown)} cannot be packed. There are: "
                f"{', '.join(VIEW_COLUMNS)}."
            )

    def feed(self, kind: Negatives) -> BatchBuilder:
        """Return what makes these examples, with swapped captions of one kind."""
        tokenizer = towers.find_tokenizer(self.architecture)
        semantic = kind == "semantic"
        reader = CaptionReader(tokenizer, with_triples=semantic, with_spans=semantic)
        world = DrawnWorld(self.seed, ("train",), kind, SWAPS[kind], self.twins, self.dense_percent)
        views = list(find_views(self.views, "the pack's recipe").values()) if semantic else []
        return BatchBuilder(world, reader, views, PIECE, self.size, "cpu", towers.PREPROCESSING)

    def layout(self) -> Layout:
        """Return the type and shape of each column's rows."""
        found = layout_of(self.size) | (turns_layout() if self.turns else {})
        for name in self.views:
            found |= VIEW_COLUMNS[name].layout(self.size)
        return found

    def columns(self, start: int, stop: int) -> dict[str, npt.NDArray[Any]]:
        """Make some examples.

        Args:
            start: the first one.
            stop: one past the last.

        Raises:
            ValueError: something is longer than its column is wide.
        """
        layout, numbers = self.layout(), np.arange(start, stop)
        feed = self.feed("semantic")
        found = feed.source.examples(numbers)
        out = self._shown(found, feed.choose(found).render(self.size, "cpu"))
        feed = self.feed("random")
        out |= _swaps("random", feed.swapped(feed.source.examples(numbers)), len(numbers))
        return {name: pad_rows(value, *layout[name], name) for name, value in out.items()}

    def _shown(self, found: Examples, rendered: RenderedExamples) -> dict[str, torch.Tensor]:
        """Return all but random swaps."""
        texts, swapped = rendered.texts, rendered.negatives
        if swapped is None:
            raise RuntimeError("the drawn world gave no swapped captions")
        rows = len(texts)
        out: dict[str, Any] = {
            "pixels": rendered.pixels,
            "ids": texts.ids,
            "triples": texts.triples,
        }
        if texts.spans is not None:
            out |= {"entities": texts.spans.entities, "relations": texts.spans.relations}
        out |= _swaps("semantic", swapped, rows)
        if self.turns:
            out[TURNS] = _turns(found.captions)
            lines = [line for some in found.swapped for line in some]
            out[f"semantic {TURNS}"] = swapped.spread(_turns(lines), rows)
        for name, shown in zip(self.views, rendered.views, strict=True):
            out |= VIEW_COLUMNS[name].rows(shown)
        return out


def _swaps(kind: Negatives, swapped: SwappedCaptions, rows: int) -> dict[str, torch.Tensor]:
    """Return the columns of one kind of swapped captions."""
    out = {
        f"{kind} there": swapped.there(rows),
        f"{kind} ids": swapped.spread(swapped.texts.ids, rows),
    }
    if swapped.texts.triples is not None:
        out[f"{kind} triples"] = swapped.spread(swapped.texts.triples, rows)
    return out


def _turns(lines: list[Caption]) -> torch.Tensor:
    return torch.tensor([turn_of(line.text) for line in lines], dtype=torch.uint8)


@dataclass(frozen=True)
class Pack:
    """Prepared examples on disk."""

    recipe: Recipe
    columns: Columns
    """By name: [count, …], mapped into memory."""
    there: int
    """Examples from the first on, while it is still being made: at most ``recipe.count``."""

    @classmethod
    def at(cls, folder: Path) -> Pack:
        """Open a pack, and compare its first examples with freshly prepared ones.

        Raises:
            UsageError: there is none, or other code made it.
        """
        recipe = _recipe(folder)
        if recipe is None:
            raise UsageError(f"{folder} holds no pack of training examples.")
        done = np.load(_file(folder, _DONE))
        there = min(PIECE * int(np.cumprod(done).sum()), recipe.count)
        columns = {name: np.load(_file(folder, name), mmap_mode="r") for name in recipe.layout()}
        first = recipe.columns(0, min(SAMPLE_SIZE, there)) if there else {}
        if wrong := [n for n, rows in first.items() if not (columns[n][: len(rows)] == rows).all()]:
            raise UsageError(
                f"The pack in {folder} was made by another version: its {', '.join(wrong)} differ "
                "from what this one makes. Remove it, and make it again."
            )
        return cls(recipe, columns, there)

    def bytes_each(self, names: tuple[str, ...]) -> int:
        """Return how much an example takes, of some columns."""
        return sum(self.columns[name][0].nbytes for name in names)


def make(
    folder: Path,
    recipe: Recipe,
    *,
    processes: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Pack:
    """Write a pack, or resume a stopped one.

    Args:
        folder: where its columns go.
        recipe: the settings of its content.
        processes: how many make it together; with 1, this one alone does.
        progress: called with the examples that are there, and with all.

    Raises:
        UsageError: the folder holds another pack.
    """
    _prepare(folder, recipe)
    left = np.flatnonzero(~np.load(_file(folder, _DONE))).tolist()
    total, there = recipe.count, recipe.count - PIECE * len(left)
    for _ in _make_pieces(folder, recipe, left, processes):
        there += PIECE
        if progress is not None:
            progress(min(max(there, 0), total), total)
    return Pack.at(folder)


def _make_pieces(folder: Path, recipe: Recipe, left: list[int], processes: int) -> Iterator[int]:
    """Make pieces; return each when it is there."""
    if processes == 1 or len(left) < 2:
        for piece in left:
            _make_piece(folder, recipe, piece)
            yield piece
        return
    context = get_context("spawn")
    with ProcessPoolExecutor(
        processes, mp_context=context, initializer=torch.set_num_threads, initargs=(1,)
    ) as pool:
        tasks = {pool.submit(_make_piece, folder, recipe, piece): piece for piece in left}
        for task in as_completed(tasks):
            task.result()
            yield tasks[task]


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
    if not path.is_file():
        return None
    said = parse_json(read_text(path))
    return Recipe(**said | {"views": tuple(said.get("views", ()))})


def _file(folder: Path, name: str) -> Path:
    return folder / f"{name.replace(' ', '-')}.npy"


def _make_piece(folder: Path, recipe: Recipe, piece: int) -> None:
    """Write a piece, and then that it is there."""
    rows = slice(piece * PIECE, min((piece + 1) * PIECE, recipe.count))
    for name, values in recipe.columns(rows.start, rows.stop).items():
        column = np.load(_file(folder, name), mmap_mode="r+")
        column[rows] = values
        column.flush()
    done = np.load(_file(folder, _DONE), mmap_mode="r+")
    done[piece] = True
    done.flush()
