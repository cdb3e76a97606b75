"""The encoder of one evaluation: encodes a model's inputs, and lists unreadable files."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from benchbench.data.images import decode, read_bytes
from benchbench.embedding.captions import encode_captions
from benchbench.embedding.filling import batch_rows
from benchbench.embedding.images import FileLog, encode_images
from benchbench.embedding.outputs import EmbeddingTable, OutputChecker
from benchbench.embedding.pairs import score_pairs
from benchbench.embedding.shown import Shown
from benchbench.errors import ContractError, DataError, ImageError
from benchbench.types import DualEncoder, scores_pairs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchbench.data.image_facts import ImageFacts
    from benchbench.embedding.captions import EncodedCaptions
    from benchbench.embedding.pairs import Block, PairScores
    from benchbench.embedding.stored import Stored
    from benchbench.types import (
        ImageRef,
        Model,
        OnMissing,
        PairScorer,
        Progress,
        Question,
        Role,
    )

    AnyQuestion = TypeVar("AnyQuestion", bound=Question)

CAPTIONS_PER_IMAGE = 4
"""On a CPU, captions in a batch for every image in a batch: captions are that much cheaper."""
MOST_CAPTIONS = 256
"""Elsewhere, the most captions in a batch: each of the last of one length is filled up."""


class Encoder:
    """The encoder of one evaluation, which records the inputs for the run."""

    def __init__(
        self,
        model: Model,
        *,
        batch_size: int,
        workers: int,
        on_missing: OnMissing = "error",
        progress: Progress | None = None,
        stored: Stored | None = None,
    ) -> None:
        self.progress = progress
        self.files = FileLog()
        self.shown = Shown()
        self.phrases: set[str] = set()
        self.truncated: set[str] = set()
        self.inputs = 0
        """The number of images and captions that were encoded, or pairs that were scored."""
        self.outputs = OutputChecker(model)
        """The checks of everything that the model returns."""
        self._encodes: Any = model
        self._batch_size = batch_size
        self._workers = workers
        self._on_missing = on_missing
        self._stored = stored

    def images(self, refs: Iterable[ImageRef], role: Role = "scene") -> EmbeddingTable[ImageRef]:
        """Embed images and crops; those of unreadable files have no row.

        Raises:
            ImageError: a file cannot be decoded, and unreadable files are not skipped.
        """
        distinct, model = list(dict.fromkeys(refs)), self._model()
        encoded = encode_images(
            model,
            distinct,
            batch_size=self._batch_size,
            workers=self._workers,
            rows=batch_rows(model.device, self._batch_size, model.manifest.dtype),
            role=role,
            on_missing=self._on_missing,
            progress=self.progress,
            stored=self._stored,
            outputs=self.outputs,
            files=self.files,
        )
        self.inputs += len(distinct)
        self.shown.add(encoded.rows)
        return encoded

    def check_files(self, refs: Iterable[ImageRef]) -> None:
        """Read and decode whole images for a model that gets no crops from this encoder.

        Raises:
            ImageError: as for ``images``.
        """
        distinct = list(dict.fromkeys(refs))
        digest = partial(_file_digest, facts=self._stored.facts if self._stored else None)
        with ThreadPoolExecutor(self._workers, thread_name_prefix="look") as pool:
            for done, (ref, seen) in enumerate(
                zip(distinct, pool.map(digest, distinct), strict=True), 1
            ):
                if isinstance(seen, ImageError) and self._on_missing == "error":
                    raise seen
                self.files.add(ref.path, seen)
                if not isinstance(seen, ImageError):
                    self.shown.add([ref])
                if self.progress:
                    self.progress("images", done, len(distinct))

    def readable(self, items: Sequence[AnyQuestion]) -> list[AnyQuestion]:
        """Return the items none of whose images was found unreadable so far.

        Raises:
            DataError: no item is left.
        """
        bad = self.files.unreadable
        kept = [item for item in items if all(ref.path not in bad for ref in item.images)]
        if not kept:
            raise DataError("No item is left: not one image could be read.")
        return kept

    def captions(self, texts: Iterable[str], role: Role = "scene") -> EncodedCaptions:
        """Embed phrases, each distinct one once."""
        distinct, model = list(dict.fromkeys(texts)), self._model()
        size = min(self._batch_size, MOST_CAPTIONS)
        if model.device == "cpu":
            size = self._batch_size * CAPTIONS_PER_IMAGE
        encoded = encode_captions(
            model,
            distinct,
            batch_size=size,
            rows=batch_rows(model.device, size, model.manifest.dtype),
            role=role,
            progress=self.progress,
            stored=self._stored,
            outputs=self.outputs,
        )
        self.inputs += len(distinct)
        self.phrases.update(distinct)
        self.truncated |= encoded.truncated
        return encoded

    def pairs(
        self, blocks: Sequence[Block], scorer: PairScorer | None = None, name: str = ""
    ) -> PairScores:
        """Score all pairs of each block's images and captions, after ``check_files`` on the files.

        Args:
            blocks: the images and captions.
            scorer: by default the encoder's model; otherwise one of the same weights.
            name: distinguishes such a scorer from others of the same weights.

        Raises:
            ContractError: the model is not a pair scorer.
            ImageError: a file can no longer be decoded.
        """
        model = scorer or self._encodes
        if not scores_pairs(model):
            raise ContractError(f"{model.manifest.name} scores no pairs; this task needs it.")
        refs = list(dict.fromkeys(ref for block, _ in blocks for ref in block))
        texts = list(dict.fromkeys(text for _, block in blocks for text in block))
        scored = score_pairs(
            model,
            blocks,
            batch_size=self._batch_size,
            workers=self._workers,
            progress=self.progress,
            stored=self._stored,
            digests=self.files.sha256,
            role=f"scene{name}",
            outputs=self.outputs if scorer is None else OutputChecker(scorer),
        )
        self.inputs += scored.n_pairs
        self.shown.add(refs)
        self.phrases.update(texts)
        self.truncated |= scored.truncated
        return scored

    def _model(self) -> DualEncoder:
        """Return the model, as a dual encoder.

        Raises:
            ContractError: it does not embed images and captions: it has only a head for relations,
                say.
        """
        if not isinstance(self._encodes, DualEncoder):
            name = self._encodes.manifest.name
            raise ContractError(f"{name} does not embed images and captions; this task needs it.")
        return self._encodes


def first_crops(refs: Iterable[ImageRef]) -> list[ImageRef]:
    """Return the first crop of each file, for a check of the file."""
    return list({ref.path: ref for ref in reversed(list(refs))}.values())[::-1]


def _file_digest(ref: ImageRef, facts: ImageFacts | None) -> str | ImageError:
    """Return the SHA-256 of an image file that decodes; otherwise the error."""
    known = facts.known(ref.path) if facts else None
    if known and known.decodes and known.sha256:
        return known.sha256
    begun = facts.begin(ref.path) if facts else None
    try:
        content = read_bytes(ref.path)
        decode(content, ref.path)
    except ImageError as error:
        return error
    sha256 = hashlib.sha256(content).hexdigest()
    if facts and begun:
        facts.note(ref.path, begun, sha256=sha256, decodes=True)
    return sha256


class BlankEncoder(Encoder):
    """An encoder for text-only models: every image has the embedding of one blank pixel."""

    def images(self, refs: Iterable[ImageRef], role: Role = "scene") -> EmbeddingTable[ImageRef]:
        """Return a table of the embedding of one blank image for all ``refs``; read no file."""
        from PIL.Image import new

        model = self._model()
        blank = model.transform(new("RGB", (1, 1)))
        vectors = self.outputs.vectors(model.encode_images(blank[None], role), 1)
        rows = dict.fromkeys(refs, 0)
        self.shown.add(rows)
        return EmbeddingTable(rows, vectors)
