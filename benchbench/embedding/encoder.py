"""The encoder of one evaluation: its model's inputs, and the files that could not be read."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from benchbench.data.images import decode, read_bytes
from benchbench.embedding.captions import encode_captions
from benchbench.embedding.images import FileLog, encode_images
from benchbench.embedding.outputs import Outputs
from benchbench.embedding.pairs import score_pairs
from benchbench.errors import ContractError, DataError, ImageError
from benchbench.types import DualEncoder, scores_pairs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from benchbench.embedding.captions import Captions
    from benchbench.embedding.embedded import Embedded
    from benchbench.embedding.encoding_cache import EncodingCache
    from benchbench.embedding.pairs import Block, Scored
    from benchbench.types import (
        ImageRef,
        Model,
        OnMissing,
        PairScorer,
        Progress,
        Question,
        Role,
    )

    Asked = TypeVar("Asked", bound=Question)

CAPTIONS_PER_IMAGE = 4
"""Captions in a batch for every image in a batch: captions are that much cheaper."""


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
        cache: EncodingCache | None = None,
    ) -> None:
        self.progress = progress
        self.files = FileLog()
        self.shown: set[ImageRef] = set()
        self.phrases: set[str] = set()
        self.truncated: set[str] = set()
        self.inputs = 0
        """The number of images and captions that were encoded, or pairs that were scored."""
        self.outputs = Outputs(model)
        """The checks of everything that the model returns."""
        self._encodes: Any = model
        self._batch_size = batch_size
        self._workers = workers
        self._on_missing = on_missing
        self._cache = cache

    def images(self, refs: Iterable[ImageRef], role: Role = "scene") -> Embedded[ImageRef]:
        """Embed images and crops; those of unreadable files have no row.

        Raises:
            ImageError: a file cannot be decoded, and unreadable files are not skipped.
        """
        distinct = list(dict.fromkeys(refs))
        encoded = encode_images(
            self._model(),
            distinct,
            batch_size=self._batch_size,
            workers=self._workers,
            role=role,
            on_missing=self._on_missing,
            progress=self.progress,
            cache=self._kept("images", role, (f"{r.path} {r.box}" for r in distinct)),
            outputs=self.outputs,
            files=self.files,
        )
        self.inputs += len(distinct)
        self.shown |= encoded.rows.keys()
        return encoded

    def look(self, refs: Iterable[ImageRef]) -> None:
        """Read and decode whole images for a model that gets no crops from this encoder.

        Raises:
            ImageError: as for ``images``.
        """
        distinct = list(dict.fromkeys(refs))
        with ThreadPoolExecutor(self._workers, thread_name_prefix="look") as pool:
            for done, (ref, seen) in enumerate(
                zip(distinct, pool.map(_looked, distinct), strict=True), 1
            ):
                if isinstance(seen, ImageError) and self._on_missing == "error":
                    raise seen
                self.files.add(ref.path, seen)
                if not isinstance(seen, ImageError):
                    self.shown.add(ref)
                if self.progress:
                    self.progress("images", done, len(distinct))

    def readable(self, items: Sequence[Asked]) -> list[Asked]:
        """Return the items none of whose images was found unreadable so far.

        Raises:
            DataError: no item is left.
        """
        bad = self.files.unreadable
        kept = [item for item in items if all(ref.path not in bad for ref in item.images)]
        if not kept:
            raise DataError("No item is left: not one image could be read.")
        return kept

    def captions(self, texts: Iterable[str], role: Role = "scene") -> Captions:
        """Embed phrases, each distinct one once."""
        distinct = list(dict.fromkeys(texts))
        encoded = encode_captions(
            self._model(),
            distinct,
            batch_size=self._batch_size * CAPTIONS_PER_IMAGE,
            role=role,
            progress=self.progress,
            cache=self._kept("captions", role, distinct),
            outputs=self.outputs,
        )
        self.inputs += len(distinct)
        self.phrases.update(distinct)
        self.truncated |= encoded.truncated
        return encoded

    def pairs(
        self, blocks: Sequence[Block], scorer: PairScorer | None = None, name: str = ""
    ) -> Scored:
        """Score all pairs of each block's images and captions; call ``look`` on the files before.

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
        asked = (f"{ref.path} {ref.box} {self.files.sha256.get(ref.path)}" for ref in refs)
        scored = score_pairs(
            model,
            blocks,
            batch_size=self._batch_size,
            workers=self._workers,
            progress=self.progress,
            cache=self._kept(f"pairs{name}", "scene", (*asked, *texts, *_shape(blocks))),
            outputs=self.outputs if scorer is None else Outputs(scorer),
        )
        self.inputs += scored.n_pairs
        self.shown.update(refs)
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

    def _kept(self, kind: str, role: Role, inputs: Iterable[str]) -> EncodingCache | None:
        """Return the cache of this call's batches, named by the digest of its inputs, in order."""
        if self._cache is None:
            return None
        digest = hashlib.sha256(f"{kind} {role}".encode())
        for each in inputs:
            digest.update(b"\0" + each.encode("utf-8", "surrogateescape"))  # paths may be any bytes
        return self._cache.within(digest.hexdigest()[:16])


def one_a_file(refs: Iterable[ImageRef]) -> list[ImageRef]:
    """Return the first crop of each file, for a check of the file."""
    return list({ref.path: ref for ref in reversed(list(refs))}.values())[::-1]


def _shape(blocks: Sequence[Block]) -> Iterator[str]:
    """Yield for each block which images and captions it pairs, numbered by first occurrence."""
    number: dict[object, int] = {}
    for refs, texts in blocks:
        yield " ".join(str(number.setdefault(each, len(number))) for each in (*refs, *texts))


def _looked(ref: ImageRef) -> str | ImageError:
    """Return the SHA-256 of an image file that decodes; otherwise the error."""
    try:
        content = read_bytes(ref.path)
        decode(content, ref.path)
    except ImageError as error:
        return error
    return hashlib.sha256(content).hexdigest()
