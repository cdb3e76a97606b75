"""The retrieval protocol: galleries searched both ways, and classification by lists of class names.

Every image ranks all captions of its gallery. Where the gallery is open, every caption ranks all
its images. A caption is one candidate, however many images it was written for, and is true of all
of them; captions with the same token ids score alike. A run stores counts around each true answer,
so that every rank statistic and every tie rule can be computed from one run.

Where captions are true of several images (many-to-many), entries say which of them search: an image
that does not is only a candidate (``Entry.searches``), and so is a caption (``Entry.asks``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchbench.embedding.encoder import first_crops
from benchbench.protocols.galleries import (
    by_gallery,
    caption_vectors,
    gallery_captions,
    gallery_images,
    searching_captions,
    true_captions,
    true_images,
)
from benchbench.protocols.places import chance_credit, first_true, search_credit
from benchbench.protocols.precisions import PRECISIONS, chance_precisions, precisions
from benchbench.protocols.protocol import Answers, Events
from benchbench.protocols.searching import rank_embeddings, rank_scores
from benchbench.protocols.stored import by_rows
from benchbench.types import Places, RetrievalOutcome, scores_pairs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from benchbench.embedding import EmbeddingTable, EncodedCaptions, Encoder, PairScores
    from benchbench.protocols.stored import Bases
    from benchbench.types import Entry, ImageRef, Metric, Model, Outcome, Progress, Role, Ties
    from benchbench.types.arrays import Floats, Ints

IMAGE_TO_TEXT, TEXT_TO_IMAGE = "image to text", "text to image"
NO_PLACES = Places(np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.int32))
"""The places of an image that does not search."""


def search(
    entries: Sequence[Entry],
    images: EmbeddingTable[ImageRef],
    captions: EncodedCaptions,
    progress: Progress | None = None,
) -> list[RetrievalOutcome]:
    """Search one gallery by embeddings.

    Args:
        entries: all entries of the gallery.
        images: embeddings of their images, of unit length where similarity is cosine.
        captions: embeddings of the gallery's captions, likewise.
        progress: called with the number of queries that have been ranked, where they are many.

    Returns:
        One outcome per entry, in order.
    """
    texts, refs = gallery_captions(entries), gallery_images(entries)
    phrases, shown = (
        caption_vectors(captions, texts),
        images.take([entry.image for entry in entries]),
    )
    found = rank_embeddings(shown, phrases, true_captions(entries, texts), progress=progress)
    finding: list[Places] = []
    if refs:
        own = true_images(texts, entries, refs)
        finding = rank_embeddings(phrases, images.take(refs), own, progress=progress)
    return _outcomes(entries, texts, refs, found, finding)


def search_pairs(entries: Sequence[Entry], scored: PairScores) -> list[RetrievalOutcome]:
    """Search one gallery by the scores of its pairs: every image with every caption.

    Args:
        entries: all entries of the gallery.
        scored: the scores of its pairs.

    Returns:
        One outcome per entry, in order.
    """
    texts, refs = gallery_captions(entries), gallery_images(entries)
    scores = scored.take([entry.image for entry in entries], texts)  # [entries, texts]
    found = rank_scores(scores, true_captions(entries, texts))
    finding: list[Places] = []
    if refs:
        finding = rank_scores(scored.take(refs, texts).T, true_images(texts, entries, refs))
    return _outcomes(entries, texts, refs, found, finding)


def _outcomes(
    entries: Sequence[Entry],
    texts: Sequence[str],
    refs: Sequence[ImageRef],
    found: Sequence[Places],
    finding: Sequence[Places],
) -> list[RetrievalOutcome]:
    """Return each entry's outcome: its captions' places, and its image's place for each."""
    of_texts = dict(zip(texts, finding, strict=True)) if refs else {}
    return [
        RetrievalOutcome(
            id=entry.id,
            cluster=entry.cluster,
            tags=entry.tags,
            found=places if entry.searches else NO_PLACES,
            own=len(set(entry.captions)) if entry.searches else 0,
            n_captions=len(texts),
            finding=tuple(of_texts[caption] for caption in searching_captions(entry) if refs),
            n_images=len(refs),
        )
        for entry, places in zip(entries, found, strict=True)
    ]


def _answer_pairs(items: Sequence[Entry], encoder: Encoder) -> Answers:
    """Score every pair of each gallery, and rank by the scores."""
    encoder.check_files(first_crops(item.image for item in items))
    kept = encoder.readable(items)
    galleries = by_gallery(kept)
    asked = [[kept[i] for i in places] for places in galleries]
    scored = encoder.pairs(
        [([e.image for e in entries], gallery_captions(entries)) for entries in asked]
    )
    outcomes: dict[int, RetrievalOutcome] = {}
    for places, entries in zip(galleries, asked, strict=True):
        outcomes.update(zip(places, search_pairs(entries, scored), strict=True))
    return Answers(kept, tuple(outcomes[i] for i in range(len(kept))), {"pairs": scored.n_pairs})


class Retrieval:
    """The retrieval protocol (see ``protocol.Protocol``)."""

    judgements: frozenset[str] = frozenset({"found", "found, lenient", *PRECISIONS})
    pooled: frozenset[str] = frozenset()
    sample_note = (
        "What is left out was no candidate either: over fewer images and captions every score is "
        "higher."
    )
    event_tags: frozenset[str] = frozenset({"direction"})
    item_tags: frozenset[str] = frozenset({"gallery"})
    optional: frozenset[str] = frozenset()

    def answer(self, items: Sequence[Entry], model: Model, encoder: Encoder) -> Answers:
        """Embed images, then captions, for each role; then search each gallery.

        A pair scorer scores every image with every caption of its gallery: no cheaper score ranks
        the candidates beforehand. Entries whose image could not be read are not candidates, and
        neither are captions that only they have.
        """
        if scores_pairs(model):
            return _answer_pairs(items, encoder)
        refs: dict[Role, list[ImageRef]] = {}
        for item in items:
            refs.setdefault(item.gallery.role, []).append(item.image)
        images = {role: encoder.images(of_role, role) for role, of_role in refs.items()}
        kept = encoder.readable(items)
        galleries = by_gallery(kept)
        texts: dict[Role, list[str]] = {}
        for places in galleries:
            role = kept[places[0]].gallery.role
            texts.setdefault(role, []).extend(gallery_captions([kept[i] for i in places]))
        captions = {role: encoder.captions(of_role, role) for role, of_role in texts.items()}
        outcomes: dict[int, RetrievalOutcome] = {}
        for places in galleries:
            entries = [kept[i] for i in places]
            role = entries[0].gallery.role
            found = search(entries, images[role], captions[role], encoder.progress)
            outcomes.update(zip(places, found, strict=True))
        return Answers(kept, tuple(outcomes[i] for i in range(len(kept))))

    def uses_encoder(self, model: Model) -> bool:
        """Return True: embeddings and pair scores alone are compared."""
        return True

    def regions(self, item: Entry) -> Iterator[ImageRef]:
        """Yield the entry's image."""
        yield item.image

    def events(self, outcomes: Sequence[RetrievalOutcome], metric: Metric, ties: Ties) -> Events:
        """Return one event per image, and one per caption that searched, of its entry."""
        lenient = metric.judgement == "found, lenient"
        searching = [(i, o.found) for i, o in enumerate(outcomes) if o.own]
        finding = [] if lenient else [(i, p) for i, o in enumerate(outcomes) for p in o.finding]
        own = [len(p.better) if lenient else outcomes[i].own for i, p in searching]
        places = [p for _, p in (*searching, *finding)]
        true = np.array([*own, *(len(p.better) for _, p in finding)], dtype=np.int64)
        captions = [outcomes[i].n_captions for i, _ in searching]
        images = [outcomes[i].n_images for i, _ in finding]
        candidates = np.array([*captions, *images], dtype=np.int64)
        directions = [IMAGE_TO_TEXT] * len(searching) + [TEXT_TO_IMAGE] * len(finding)
        return Events(
            values=_earned(places, true, metric, ties),
            chance=_by_chance(candidates, true, metric),
            outcome=np.array([i for i, _ in (*searching, *finding)], dtype=np.intp),
            tags={"direction": directions},
            candidates=candidates,
        )

    def counted(self, outcomes: Sequence[RetrievalOutcome]) -> Iterator[str]:
        """Yield the number of captions and images of each gallery."""
        sizes = {o.tags.get("gallery", ""): (o.n_captions, o.n_images) for o in outcomes}
        for name, (n_captions, n_images) in sizes.items():
            of = f" ({name})" if len(sizes) > 1 else ""
            images = f", {n_images:,} images" if n_images else ""
            yield f"searched{of}: {n_captions:,} captions{images}"

    def remarks(
        self, outcomes: Sequence[RetrievalOutcome], metrics: Sequence[Metric]
    ) -> Iterator[str]:
        """Yield nothing: the metrics are complete."""
        return iter(())

    def columns(self, outcomes: Sequence[RetrievalOutcome]) -> Mapping[str, Any]:
        """Return the columns of the places and of the numbers of candidates.

        They are ``found_better``, ``found_equal``, ``own`` and ``n_captions``; and
        ``finding_better``, ``finding_equal`` and ``n_images``. The places have an entry per true
        answer; those of ``finding`` are lists, one per caption.
        """
        import pyarrow as pa

        flat, nested = pa.list_(pa.int32()), pa.list_(pa.list_(pa.int32()))
        return {
            "found_better": pa.array([o.found.better for o in outcomes], flat),
            "found_equal": pa.array([o.found.equal for o in outcomes], flat),
            "own": pa.array([o.own for o in outcomes], pa.int32()),
            "n_captions": pa.array([o.n_captions for o in outcomes], pa.int32()),
            "finding_better": pa.array([[p.better for p in o.finding] for o in outcomes], nested),
            "finding_equal": pa.array([[p.equal for p in o.finding] for o in outcomes], nested),
            "n_images": pa.array([o.n_images for o in outcomes], pa.int32()),
        }

    def outcomes(self, columns: Mapping[str, Any], bases: Bases) -> tuple[Outcome, ...]:
        """Return the outcomes stored in columns, row by row (``outcome``)."""
        return by_rows(self.outcome, columns, bases)

    def outcome(self, row: Mapping[str, Any], base: Mapping[str, Any]) -> Outcome:
        """Return the outcome stored in a row.

        Raises:
            ValueError: the counts do not fit each other or the number of candidates.
        """
        found = _places(row["found_better"], row["found_equal"], row["n_captions"])
        pairs = zip(row["finding_better"], row["finding_equal"], strict=True)
        if not min(1, len(found.better)) <= row["own"] <= len(found.better):
            raise ValueError(f"{row['own']} own captions among {len(found.better)}")
        return RetrievalOutcome(
            **base,
            found=found,
            own=row["own"],
            n_captions=row["n_captions"],
            finding=tuple(_places(better, equal, row["n_images"]) for better, equal in pairs),
            n_images=row["n_images"],
        )

    def content(self, item: Entry, root: Path) -> str:
        """Return nothing: an entry's places depend on its whole gallery."""
        return ""

    def problems(self, item: Any) -> Iterator[str]:
        """Yield contract violations: no caption, an unlisted caption, or a wrong tag."""
        if not item.captions:
            yield "has no caption"
        if any(not caption.strip() for caption in (*item.captions, *item.also)):
            yield "has an empty caption"
        if item.tags.get("gallery") != item.gallery.name:
            yield f"should have the tag gallery={item.gallery.name}"
        listed = item.gallery.captions
        if item.also and not listed:
            yield "has captions for a lenient reading, but its gallery has no list"
        if listed and (missing := {*item.captions, *item.also}.difference(listed)):
            yield f"has captions that its gallery's list has not: {sorted(missing)}"
        if strange := set(item.asks or ()).difference(item.captions):
            yield f"has captions that search and are not its own: {sorted(strange)}"
        if set(item.also) & set(item.captions):
            yield "has a caption of its own among those of the lenient reading"


def _earned(places: Sequence[Places], true: Ints, metric: Metric, ties: Ties) -> Floats:
    """Return the credit of each search: [searches]."""
    if metric.judgement in PRECISIONS:
        return precisions(places, true, metric.judgement, ties)
    return search_credit(first_true(places, true.tolist()), metric, ties)


def _by_chance(candidates: Ints, true: Ints, metric: Metric) -> Floats:
    """Return the credit of each search whose candidates are in random order: [searches]."""
    if metric.judgement in PRECISIONS:
        return chance_precisions(candidates, true, metric.judgement)
    return chance_credit(candidates, true, metric)


def _places(better: Sequence[int], equal: Sequence[int], candidates: int) -> Places:
    """Return the places of stored counts.

    Raises:
        ValueError: the counts do not fit each other or the number of candidates.
    """
    places = Places(np.asarray(better, dtype=np.int32), np.asarray(equal, dtype=np.int32))
    if len(better) != len(equal):
        raise ValueError(f"{len(better)} and {len(equal)} counts around true answers")
    worst = (places.better + places.equal).max(initial=0)
    if min((*better, *equal), default=0) < 0 or (len(better) and worst >= candidates):
        raise ValueError(f"counts that do not fit {candidates} candidates")
    return places


PROTOCOL = Retrieval()
