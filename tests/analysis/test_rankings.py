"""Rankings of a retrieval run's queries, against a full matrix of exact scores."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from benchbench.analysis.rankings import Ranking, rank_queries
from benchbench.devices import inference
from benchbench.embedding import Encoder
from benchbench.embedding.store import Store
from benchbench.errors import UsageError
from benchbench.evaluation import evaluate
from benchbench.protocols.galleries import gallery_captions
from benchbench.registry import load_task
from benchbench.types import Places, RetrievalOutcome
from tests.analysis.example_runs import made
from tests.pair_scorers import HashScorer, hashed
from tests.protocols.test_searching import one_by_one

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchbench.adapters.openclip import OpenClip
    from benchbench.types import Entry, Run

ALL = 10**6


def matrix(model: OpenClip, entries: Sequence[Entry]) -> np.ndarray:
    """The exact scores of a gallery's images with its captions, each vector by itself."""
    texts, role = gallery_captions(entries), entries[0].gallery.role
    with inference():
        encoder = Encoder(model, batch_size=16, workers=1)
        images = encoder.images([entry.image for entry in entries], role)
        captions = encoder.captions(texts, role)
    phrases = captions.embedded.take(texts)
    return np.array([one_by_one(image, phrases) for image in images.take([*images.rows])])


def check(found: Ranking, scores: np.ndarray, names: Sequence[str], true: set[str], k: int) -> None:
    """Compare a ranking with a stable sort of all scores: [candidates], named in order."""
    order = np.argsort(-scores, kind="stable")[:k].tolist()
    shown = [each.image or each.caption for each in found.best]
    assert shown == [names[i] for i in order]
    assert [each.score for each in found.best] == scores[order].tolist()
    assert [each.is_true for each in found.best] == [names[i] in true for i in order]
    best = max(score for score, name in zip(scores, names, strict=True) if name in true)
    assert found.first.score == best
    assert found.n_candidates == len(names)
    false = [score for score, name in zip(scores, names, strict=True) if name not in true]
    assert found.better == sum(score > best for score in false)
    assert found.place == 1 + sum(score >= best for score in false)


@pytest.mark.parametrize("k", [3, ALL])
def test_all_queries_of_an_open_gallery_are_ranked_as_by_a_full_matrix(
    k: int, tiny: str, tiny_model: OpenClip, drawn_edition: Path
) -> None:
    run = evaluate(tiny, "coco-retrieval", data_root=drawn_edition)
    found = rank_queries(run, k=k, n=ALL, data_root=drawn_edition)
    entries: list[Any] = list(load_task("coco-retrieval").items(drawn_edition))
    texts, images = gallery_captions(entries), [entry.image.path.name for entry in entries]
    scores = matrix(tiny_model, entries)
    assert found.of == len(found.rankings) == len(entries) + sum(len(e.captions) for e in entries)
    places = [each.place for each in found.rankings]
    assert places == sorted(places, reverse=True)
    by_id = {entry.id: (i, entry) for i, entry in enumerate(entries)}
    for each in found.rankings:
        i, entry = by_id[each.id]
        if each.caption:
            true = {e.image.path.name for e in entries if each.caption in e.captions}
            check(each, scores[:, texts.index(each.caption)], images, true, k)
        else:
            assert each.image == entry.image.path.name
            check(each, scores[i], texts, set(entry.captions), k)


def test_closed_lists_are_ranked_each_in_its_role(
    tiny: str, tiny_model: OpenClip, drawn_edition: Path
) -> None:
    run = evaluate(tiny, "scenario-classification", data_root=drawn_edition)
    found = rank_queries(run, k=4, n=ALL, data_root=drawn_edition)
    of: dict[str, list[Any]] = {}
    for entry in load_task("scenario-classification").items(drawn_edition):
        of.setdefault(entry.gallery.name, []).append(entry)
    assert len(of) == 3
    by_id = {each.id: each for each in found.rankings}
    assert sum(map(len, of.values())) == len(by_id)
    for entries in of.values():
        scores = matrix(tiny_model, entries)
        rows = {ref: i for i, ref in enumerate(dict.fromkeys(e.image for e in entries))}
        for entry in entries:
            row, texts = scores[rows[entry.image]], gallery_captions(entries)
            check(by_id[entry.id], row, texts, set(entry.captions), 4)


def test_pair_scorers_are_ranked_by_their_scores(drawn_edition: Path) -> None:
    run = evaluate(HashScorer(), "coco-retrieval", data_root=drawn_edition, batch_size=16)
    model = HashScorer()
    found = rank_queries(run, model=model, k=5, n=ALL, data_root=drawn_edition)
    assert sum(map(len, model.batches)) < run.settings["pairs"] / 2  # the rest is stored
    entries: list[Any] = list(load_task("coco-retrieval").items(drawn_edition))
    texts, images = gallery_captions(entries), [entry.image.path.name for entry in entries]
    scores = np.array([[hashed(p, t.lower().encode()) for t in texts] for p in pixels(entries)])
    assert any(each.tied for each in found.rankings)
    for each in found.rankings:
        if each.caption:
            true = {e.image.path.name for e in entries if each.caption in e.captions}
            check(each, scores[:, texts.index(each.caption)], images, true, 5)
        else:
            (entry,) = [e for e in entries if e.id == each.id]
            check(each, scores[entries.index(entry)], texts, set(entry.captions), 5)


def pixels(entries: Sequence[Entry]) -> list[bytes]:
    from benchbench.data.images import decode

    model = HashScorer()
    return [model.transform(decode(e.image.path.read_bytes(), e.image.path)) for e in entries]


def test_what_is_stored_is_not_encoded_again_and_what_is_not_stored_is(
    tiny: str, drawn_edition: Path
) -> None:
    run = evaluate(tiny, "coco-retrieval", data_root=drawn_edition)
    stored = rank_queries(run, data_root=drawn_edition)
    assert stored.stored == stored.inputs == run.inputs
    for space in Store.default().spaces():  # type: ignore[union-attr]
        space.remove()
    again = rank_queries(run, data_root=drawn_edition)
    assert (again.stored, again.rankings) == (0, stored.rankings)


def test_queries_are_chosen_by_place_direction_and_entry(tiny: str, drawn_edition: Path) -> None:
    run = evaluate(tiny, "coco-retrieval", data_root=drawn_edition)
    rank: Any = lambda **how: rank_queries(run, data_root=drawn_edition, **how)  # noqa: E731
    of = {way: rank(direction=way, n=2) for way in ("image to text", "text to image")}
    assert [bool(r.image) for r in of["image to text"].rankings] == [True, True]
    assert [bool(r.image) for r in of["text to image"].rankings] == [False, False]
    assert sum(each.of for each in of.values()) == rank().of
    name = run.outcomes[3].id
    named = rank(ids=[name, name])
    assert {each.id for each in named.rankings} == {name}
    outcome: Any = run.outcomes[3]
    assert len(named.rankings) == 1 + len(outcome.finding)
    with pytest.raises(UsageError, match="no query of an entry 'nowhere'"):
        rank(ids=["nowhere"])
    with pytest.raises(UsageError, match="Unknown direction 'up'"):
        rank(direction="up")


def test_text_only_models_are_ranked_without_images(drawn_edition: Path) -> None:
    how: Mapping[str, Any] = {"data_root": drawn_edition}
    run = evaluate("blind:length", "coco-retrieval", without_images=True, **how)
    found = rank_queries(run, direction="text to image", n=ALL, **how)
    assert all(each.better == 0 and each.tied for each in found.rankings)


def moved(run: Run) -> Run:
    """The run with another place of one true answer."""
    first, *others = run.outcomes
    assert isinstance(first, RetrievalOutcome)
    better = first.found.better + 1
    return replace(run, outcomes=(replace(first, found=Places(better, first.found.equal)), *others))


def test_places_that_are_not_the_runs_are_an_error(tiny: str, drawn_edition: Path) -> None:
    run = moved(evaluate(tiny, "coco-retrieval", data_root=drawn_edition))
    with pytest.raises(UsageError, match="ranks otherwise here than in the run"):
        rank_queries(run, ids=[run.outcomes[0].id], data_root=drawn_edition)


def test_what_has_no_rankings_is_refused(tiny: str, drawn_edition: Path, shapes: Path) -> None:
    run = evaluate(tiny, "coco-retrieval", data_root=drawn_edition)
    with pytest.raises(UsageError, match="vg-relation is not: its protocol is matching"):
        rank_queries(made("a", 0.5))
    with pytest.raises(UsageError, match="was imported"):
        rank_queries(replace(run, settings={**run.settings, "imported": {"reader": "x"}}))
    with pytest.raises(UsageError, match="variation case=lower, which is not ranked again"):
        rank_queries(replace(run, settings={**run.settings, "variation": "case=lower"}))
    with pytest.raises(UsageError, match=r"nowhere named: --data-root DIR"):
        rank_queries(run)
    with pytest.raises(UsageError, match="coco_karpathy_test"):
        rank_queries(run, data_root=shapes)
    with pytest.raises(UsageError, match=r"is not the run's model.*they differ in .*weights"):
        rank_queries(run, model="blind:constant", data_root=drawn_edition)
    with pytest.raises(UsageError, match="Unknown device 'nowhere'"):
        rank_queries(run, device="nowhere", data_root=drawn_edition)
