"""Decode image files ahead of the model, each once for all its crops."""

from __future__ import annotations

import hashlib
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import compress
from typing import TYPE_CHECKING, Generic, TypeVar

from benchbench.data.images import crop, decode, read_bytes
from benchbench.embedding.store import key_of
from benchbench.errors import DataError, ImageError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from PIL.Image import Image

    from benchbench.data.image_facts import ImageFacts
    from benchbench.embedding.outputs import Vectors
    from benchbench.embedding.store import Space
    from benchbench.types import ImageRef

    FileCrops = tuple[Path, list[ImageRef]]

Shown = TypeVar("Shown")


def crops_by_file(refs: Iterable[ImageRef], most: int) -> list[FileCrops]:
    """Return the crops of each file, in order; a file with more than ``most`` comes repeatedly."""
    by_file: dict[Path, list[ImageRef]] = {}
    for ref in refs:
        by_file.setdefault(ref.path, []).append(ref)
    return [
        (path, crops[start : start + most])
        for path, crops in by_file.items()
        for start in range(0, len(crops), most)
    ]


def image_key(sha256: str, ref: ImageRef) -> bytes:
    """Return the key of an image or a crop, by the SHA-256 of its file's bytes.

    A file's bytes stand for its pixels, so that a known image need not be decoded; the decoder's
    version is part of the space.
    """
    return key_of(sha256, repr(ref.box))


@dataclass(frozen=True, slots=True)
class Decoded(Generic[Shown]):
    """One file's decoded and preprocessed crops, or its error."""

    path: Path
    refs: list[ImageRef]
    """The crops that are to be encoded."""
    images: list[Shown]
    """The outputs of the model's ``transform``, in the order of ``refs``."""
    sha256: str
    keys: Sequence[bytes] = ()
    """The crops' keys in the store, in the order of ``refs``."""
    known: Sequence[tuple[ImageRef, Vectors]] = ()
    """Crops that are encoded already, each with its vector."""
    error: ImageError | None = None


def decode_ahead(
    transform: Callable[[Image], Shown],
    files: Sequence[FileCrops],
    workers: int,
    ahead: int,
    space: Space | None = None,
    facts: ImageFacts | None = None,
) -> Generator[Decoded[Shown], None, None]:
    """Yield each file's preprocessed crops, in order; some files are decoded ahead.

    Args:
        transform: the model's.
        files: the files, each with its crops.
        workers: the number of threads; so many files are begun at least.
        ahead: the number of crops above which no further file is begun: a few batches, so that
            threads go on while a batch is encoded, and memory is bounded.
        space: what is encoded already; crops whose vectors it holds are not decoded.
        facts: takes what is read of the files.
    """
    waiting: deque[tuple[int, Future[Decoded[Shown]]]] = deque()
    begun = 0
    pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="decode")
    try:
        for path, refs in files:
            waiting.append((len(refs), pool.submit(_decode, transform, path, refs, space, facts)))
            begun += len(refs)
            while len(waiting) > workers and begun > ahead:
                crops, file = waiting.popleft()
                begun -= crops
                yield file.result()
        while waiting:
            yield waiting.popleft()[1].result()
    finally:
        pool.shutdown(cancel_futures=True)


def require_same(
    files: Iterable[Decoded[Shown]], digests: Mapping[Path, str], facts: ImageFacts | None
) -> Iterator[Decoded[Shown]]:
    """Yield files that were decoded again.

    Args:
        files: the files.
        digests: the SHA-256 that each file had.
        facts: what is known of files, which is removed where it is wrong.

    Raises:
        ImageError: a file can no longer be decoded.
        DataError: a file has another digest: it changed meanwhile, or what was noted is wrong.
    """
    for file in files:
        if file.error:
            raise file.error
        if file.sha256 != digests.get(file.path, file.sha256):
            if facts:
                facts.forget(file.path)
            raise DataError(
                f"The image {file.path} is another than before, although its size and times are "
                "the same, or it changed just now. What was noted of its folder is removed: run "
                "the command again, or read everything: --fresh"
            )
        yield file


def _decode(
    transform: Callable[[Image], Shown],
    path: Path,
    refs: list[ImageRef],
    space: Space | None,
    facts: ImageFacts | None,
) -> Decoded[Shown]:
    begun = facts.begin(path) if facts else None
    try:
        content = read_bytes(path)
        sha256 = hashlib.sha256(content).hexdigest()
        keys = [image_key(sha256, ref) for ref in refs] if space else []
        known: list[tuple[ImageRef, Vectors]] = []
        if space and not space.is_empty:
            there, vectors = space.read(keys)
            space.require(there, [path] * len(refs))
            known = list(zip(compress(refs, there), vectors, strict=True))
            keys, refs = list(compress(keys, ~there)), list(compress(refs, ~there))
        image = decode(content, path) if refs else None
    except ImageError as error:
        return Decoded(path, [], [], "", error=error)
    if facts and begun:
        facts.note(path, begun, sha256=sha256, decodes=image is not None)
    images = [transform(crop(image, ref)) for ref in refs] if image else []
    return Decoded(path, refs, images, sha256, keys, known)
