"""Tag a Karpathy file's captions, and freeze their order negatives: one file per seed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from benchbench.data.karpathy import captions_digest, read_captions
from benchbench.data.order import freeze, frozen_name, pre_caption
from benchbench.data.order_words import published_tagger
from benchbench.data.records import canonical_json
from benchbench.data.tagging import find_tagger
from benchbench.errors import MalformedData, MissingData, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from benchbench.data.order import TaggedCaption
    from benchbench.data.tagging import Tagger
    from benchbench.types import Progress

_BETWEEN_REPORTS = 250
"""Captions tagged between two calls of ``progress``."""


def freeze_order(
    source: Path,
    *,
    out: Path | None = None,
    seeds: Sequence[int] = (0,),
    tagger: str = "auto",
    progress: Progress | None = None,
) -> list[Path]:
    """Tag a Karpathy file's captions once and write their shuffles, one file per seed.

    Args:
        source: the Karpathy file. The images it names belong beside it.
        out: the folder to write to; by default the source's own. Images and source belong there.
        seeds: another seed gives other shuffles. The tasks themselves use seed 0.
        tagger: a name that ``find_tagger`` takes; or ``published``, for captions whose words are
            (``order_words``). ``auto`` means ``published`` for those.
        progress: called with the number of captions tagged.

    Returns:
        The files written, in the order of the seeds.

    Raises:
        UsageError: there are no seeds, or a file cannot be written there.
        MissingData: the source, the tagger or the folder does not exist.
        MalformedData: the source violates its format.
    """
    folder = source.parent if out is None else out
    if not seeds or min(seeds) < 0:
        raise UsageError(f"Seeds are whole numbers from 0, at least one, not {list(seeds)}.")
    targets = {seed: folder / frozen_name(source.name, seed) for seed in dict.fromkeys(seeds)}
    if not folder.is_dir():
        raise MissingData(f"No such folder to write to: {folder}")
    read = read_captions(source)
    _check_words(source, read)
    digest = captions_digest(source)
    found = _tagger(tagger, source, digest, read)
    images = list(_tagged(read, found, progress))
    for seed, path in targets.items():
        content = freeze(
            images, tagger=found.name, source=source.name, source_digest=digest, seed=seed
        )
        _write_whole(path, canonical_json(content))
    return list(targets.values())


def freeze_published(source: Path, path: Path, *, seed: int) -> None:
    """Write the shuffles of captions whose words are published, without a tagger.

    Raises:
        UsageError: the file cannot be written.
        MissingData: the source does not exist.
        MalformedData: the source has other captions.
    """
    freeze_order(source, out=path.parent, seeds=(seed,), tagger="published")


def _tagger(
    name: str, source: Path, digest: str, read: Sequence[tuple[str, Sequence[str]]]
) -> Tagger:
    """Return the tagger of a name, for the captions of a file.

    Raises:
        MalformedData: it is ``published``, and these are other captions.
        UnknownName: there is no such tagger.
        MissingData: it is not installed.
    """
    if name in ("auto", "published"):
        found = published_tagger(digest, [text for _, texts in read for text in texts])
        if found:
            return found
    if name == "published":
        raise MalformedData(
            f"{source} has other captions than COCO's of Karpathy's test split, whose words are "
            "published: take another tagger (--tagger auto)."
        )
    return find_tagger(name)


def _check_words(source: Path, read: Sequence[tuple[str, Sequence[str]]]) -> None:
    """Raise an error for a caption that has no words after ``pre_caption``."""
    for image, texts in read:
        for text in texts:
            if not pre_caption(text):
                raise MalformedData(f"{source}: the caption {text!r} of {image} has no words.")


def _tagged(
    read: Sequence[tuple[str, Sequence[str]]], tagger: Tagger, progress: Progress | None
) -> Iterator[tuple[str, list[TaggedCaption]]]:
    done, total = 0, sum(len(texts) for _, texts in read)
    for image, texts in read:
        yield image, [tagger.tag(text) for text in texts]
        before, done = done, done + len(texts)
        if progress and (done // _BETWEEN_REPORTS > before // _BETWEEN_REPORTS or done == total):
            progress("captions", done, total)


def _write_whole(path: Path, content: bytes) -> None:
    """Write a file under another name first, so that half a file is never taken for a whole one."""
    partial = path.with_name(f"{path.name}.part-{os.getpid()}")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise UsageError(
            f"Cannot write {path}: {error.strerror or error}. Choose another folder: --out DIR"
        ) from error
