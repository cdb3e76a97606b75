"""Scoring scenes with real images: against a plain loop, and by a model's own head."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from benchbench.adapters.blind import BlindEncoder
from benchbench.embedding import EncodedCaptions, Encoder
from benchbench.errors import ContractError, ImageError, ModelError
from benchbench.protocols import load_protocol
from benchbench.protocols.reading import read_units
from benchbench.protocols.relations import scene_scores, storage
from benchbench.protocols.relations.scene_scores import UnionCrops, log_softmax, pairs_of
from benchbench.types import (
    DualEncoder,
    ImageRef,
    Metric,
    Proposals,
    RelationInput,
    Role,
    Scene,
    Vocabulary,
)

VOCABULARY = Vocabulary(("cat", "dog", "mat"), ("on", "under"))
PROTOCOL = load_protocol("relations")


@pytest.fixture
def scenes(tmp_path: Path) -> list[Scene]:
    """Two images of noise with three and two objects."""
    rng = np.random.default_rng(0)
    found = []
    for i, n in enumerate((3, 2)):
        path = tmp_path / f"{i}.png"
        Image.fromarray(rng.integers(0, 256, (40, 60, 3), dtype=np.uint8)).save(path)
        boxes = tuple((10 * j, 5, 10 * j + 12, 30) for j in range(n))
        found.append(
            Scene(
                id=str(i),
                image=ImageRef(path),
                boxes=boxes,
                labels=tuple(range(n)),
                relations=((0, 1, 0), (1, 0, 1)),
                unseen=(False, True),
                cluster=str(i),
                vocabulary=VOCABULARY,
            )
        )
    return found


def encoder_for(model: DualEncoder, **settings: Any) -> Encoder:
    return Encoder(model, batch_size=4, workers=1, **settings)


def unit(vector: torch.Tensor) -> np.ndarray:
    row = vector[0].double().numpy()
    return np.asarray(row / np.linalg.norm(row))


def test_scenes_of_several_vocabularies_are_refused(scenes: list[Scene]) -> None:
    model = BlindEncoder("chance", seed=0)
    other = replace(scenes[1], vocabulary=Vocabulary(("dog", "cat", "mat"), ("under", "on")))
    with pytest.raises(ContractError, match="Scene 1 has another vocabulary than scene 0"):
        PROTOCOL.answer([scenes[0], other], model, encoder_for(model))


def test_a_dual_encoder_sees_union_crops_and_reads_triples(scenes: list[Scene]) -> None:
    model = BlindEncoder("chance", seed=0)
    model.logit_scale = 10.0
    scorer = UnionCrops(model, encoder_for(model))
    assert scorer.prepare(scenes) == scenes
    for scene in scenes:
        logs = scorer.score(scene).predicate_logs
        for row, (i, j) in enumerate(pairs_of(scene).tolist()):
            left, right = scene.boxes[i], scene.boxes[j]
            box = (min(left[0], right[0]), 5, max(left[2], right[2]), 30)
            image = Image.open(scene.image.path).crop(box)
            seen = unit(model.encode_images(model.transform(image)[None], "relation"))
            names = VOCABULARY.objects
            for p, predicate in enumerate(VOCABULARY.predicates):
                phrase = f"{names[scene.labels[i]]} {predicate} {names[scene.labels[j]]}"
                read = unit(model.encode_texts(model.tokenize([phrase]), "relation"))
                other = f"{names[scene.labels[i]]} {VOCABULARY.predicates[1 - p]} "
                also = unit(
                    model.encode_texts(model.tokenize([other + names[scene.labels[j]]]), "relation")
                )
                odds = 10 * (seen @ read), 10 * (seen @ also)
                assert logs[row, p] == pytest.approx(odds[0] - np.logaddexp(*odds), abs=1e-5)


def test_labels_are_chosen_from_crops_of_the_boxes(scenes: list[Scene]) -> None:
    model = BlindEncoder("chance", seed=0)
    open_scenes = [replace(scene, given="boxes") for scene in scenes]
    scorer = UnionCrops(model, encoder_for(model))
    scorer.prepare(open_scenes)
    scored = scorer.score(open_scenes[0])
    assert scored.labels_chosen
    seen = [
        unit(
            model.encode_images(
                model.transform(Image.open(scenes[0].image.path).crop(box))[None], "object"
            )
        )
        for box in scenes[0].boxes
    ]
    read = [unit(model.encode_texts(model.tokenize([n]), "object")) for n in VOCABULARY.objects]
    logs = log_softmax(np.array(seen) @ np.array(read).T)
    assert scored.label_logs == pytest.approx(logs.max(axis=1), abs=1e-6)
    assert scored.label_ties.argmax(axis=1).tolist() == logs.argmax(axis=1).tolist()


class Head(BlindEncoder):
    """Scores relations by the first byte of the image and the labels."""

    def __init__(self, *, broken: bool = False) -> None:
        super().__init__("constant")
        self.broken = broken

    def score_relations(self, inputs: RelationInput) -> np.ndarray:
        shade = np.asarray(inputs.image())[0, 0, 0]
        rows = [[shade * inputs.labels[s], inputs.labels[o]] for s, o in inputs.pairs]
        logs = log_softmax(np.array(rows, dtype=float) / 255)
        return logs[:, :1] if self.broken else logs

    def score_objects(self, inputs: RelationInput) -> np.ndarray:
        assert not inputs.labels
        logs = log_softmax(np.eye(len(inputs.boxes), len(inputs.vocabulary.objects)))
        return np.full_like(logs, np.nan) if self.broken else logs


@pytest.mark.parametrize("given", ["labels", "pairs", "boxes"])
def test_a_model_with_a_head_of_its_own_is_asked(scenes: list[Scene], given: Any) -> None:
    asked = [replace(scene, given=given) for scene in scenes]
    encoder = encoder_for(Head())
    answers = PROTOCOL.answer(asked, Head(), encoder)
    assert answers.settings == {"relations": "own head"}
    assert [o.n_pairs for o in answers.outcomes] == ([2, 2] if given == "pairs" else [6, 2])
    assert set(encoder.files.sha256) == {scene.image.path for scene in scenes}
    with pytest.raises(ModelError, match="returned relation scores"):
        PROTOCOL.answer(asked, Head(broken=True), encoder)


def test_images_that_do_not_decode_are_named_or_left_out(scenes: list[Scene]) -> None:
    scenes[0].image.path.write_bytes(scenes[0].image.path.read_bytes()[:90])
    with pytest.raises(ImageError, match=r"0\.png"):
        PROTOCOL.answer(scenes, Head(), encoder_for(Head()))
    for model in (Head(), BlindEncoder("chance", seed=0)):
        answers = PROTOCOL.answer(scenes, model, encoder_for(model, on_missing="skip"))
        assert [o.id for o in answers.outcomes] == ["1"]


def outcomes(scenes: Sequence[Scene]) -> tuple[Any, ...]:
    model = BlindEncoder("chance", seed=0)
    return PROTOCOL.answer(scenes, model, encoder_for(model)).outcomes


def test_outcomes_read_back_as_they_were(scenes: list[Scene]) -> None:
    import pyarrow as pa

    proposed = Proposals(scenes[0].boxes, scenes[0].labels, (0.9, 0.5, 0.1))
    scenes[1] = replace(scenes[0], id="p", given="proposals", proposals=proposed)
    mine = outcomes(scenes)
    rows = pa.table(dict(PROTOCOL.columns(mine))).to_pylist()
    for before, row in zip(mine, rows, strict=True):
        base = {"id": before.id, "cluster": before.cluster, "tags": before.tags}
        np.testing.assert_equal(asdict(storage.outcome(row, base)), asdict(before))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"predicates": []}, "empty"),
        ({"unseen": [True]}, "differ in length"),
        ({"own_pair.better": [1]}, "own_pair"),
        ({"constrained.relation": [0]}, "differ in length"),
        ({"constrained.relation": [7, 8]}, "not there"),
        ({"unconstrained.choices": [0, 0]}, "no choice"),
        ({"constrained.better": [-1, 0]}, "places that are none of 2"),
        ({"constrained.equal": [1, 1]}, "places that are none of 2"),
        ({"n_predicates": 0}, "no predicate"),
        ({"n_pairs": 1}, "2 of 1 pairs"),
        ({"matching": [9, 9]}, "matching beyond n_pairs"),
        ({"own_pair.equal": [-1, 0]}, "own_pair"),
    ],
)
def test_damaged_outcomes_are_refused(
    scenes: list[Scene], change: dict[str, Any], problem: str
) -> None:
    import pyarrow as pa

    row = pa.table(dict(PROTOCOL.columns(outcomes(scenes)))).to_pylist()[1]
    row |= {"constrained.better": [1, 1], "constrained.equal": [0, 0]}
    row |= {"constrained.choices": [1, 1]}
    row |= {"constrained.relation": [0, 1]}
    with pytest.raises(ValueError, match=problem):
        storage.outcome(row | change, {"id": "0", "cluster": "0", "tags": {}})


def test_recall_is_averaged_within_images_and_then_over_predicates(scenes: list[Scene]) -> None:
    found = outcomes(scenes)
    metric = Metric("R", "images", judgement="recall", k=2)
    micro = read_units(PROTOCOL, found, metric, "wrong")
    assert len(micro.values) == 2
    by = read_units(PROTOCOL, found, replace(metric, by="predicate"), "wrong")
    assert sorted(by.groups) == ["on", "on", "under", "under"]
    assert by.absent == 0
    unseen = read_units(PROTOCOL, found, replace(metric, only=(("triple", "unseen"),)), "wrong")
    assert unseen.values.tolist() == by.values[np.array(by.groups) == "under"].tolist()
    pooled = read_units(PROTOCOL, found, replace(metric, judgement="accuracy"), "wrong")
    assert len(pooled.values) == 4


def test_the_ceiling_is_told(scenes: list[Scene]) -> None:
    twice = [replace(s, relations=((0, 1, 0), (0, 1, 1)), unseen=(False, False)) for s in scenes]
    metrics = [Metric("R@2", "", judgement="recall", k=2), Metric("text", "")]
    remarks = list(PROTOCOL.remarks(outcomes(twice), metrics))
    assert remarks == [
        "Ceiling, as one predicate can be chosen for each pair of boxes: 50.0 for R@2.",
        "R@2 ranks nothing in 50 % of the images: they have no more than 2 pairs.",
    ]
    assert not list(PROTOCOL.remarks(outcomes(twice), metrics[1:]))
    assert "4 true relations" in list(PROTOCOL.counted(outcomes(twice)))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"relations": (), "unseen": ()}, "has no relation"),
        ({"labels": (0,)}, "3 boxes but 1 labels"),
        ({"unseen": ()}, "2 relations but 0"),
        ({"labels": (0, 1, 9)}, "not in the vocabulary"),
        ({"relations": ((0, 9, 0), (1, 0, 0))}, "relates box 0 to box 9 of 3"),
        ({"relations": ((0, 1, 5), (1, 0, 0))}, "has predicate 5"),
        ({"given": "proposals"}, "its proposals are None"),
        ({"unrounded": ((0.0, 0.0, 1.0, 1.0),)}, "3 boxes but 1 of 'unrounded'"),
        (
            {"proposals": Proposals((), (), (), ((0.0, 0.0, 1.0, 1.0),)), "given": "proposals"},
            "0 boxes but 1 of 'unrounded'",
        ),
    ],
)
def test_scenes_that_break_the_contract(
    scenes: list[Scene], change: dict[str, Any], problem: str
) -> None:
    assert not list(PROTOCOL.problems(scenes[0]))
    assert any(problem in p for p in PROTOCOL.problems(replace(scenes[0], **change)))


def test_groups_of_scenes_give_what_all_at_once_give(
    scenes: list[Scene], monkeypatch: pytest.MonkeyPatch
) -> None:
    together = outcomes([replace(scene, given="boxes") for scene in scenes])
    monkeypatch.setattr(scene_scores, "GROUP", 1)
    apart = outcomes([replace(scene, given="boxes") for scene in scenes])
    for one, other in zip(together, apart, strict=True):
        np.testing.assert_equal(asdict(one), asdict(other))


def test_each_triple_is_encoded_once_however_the_scenes_are_grouped(
    scenes: list[Scene], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scene_scores, "GROUP", 1)
    model = BlindEncoder("chance", seed=0)
    encoder = encoder_for(model)
    texts: list[str] = []
    encode = encoder.captions

    def noted(phrases: Iterable[str], role: Role) -> EncodedCaptions:
        new = list(phrases)
        texts.extend(new)
        return encode(new, role)

    monkeypatch.setattr(encoder, "captions", noted)
    PROTOCOL.answer(scenes, model, encoder)
    names = VOCABULARY.objects
    ends = {(a, b) for s in scenes for a in s.labels for b in s.labels if a != b}
    wanted = {f"{names[a]} {p} {names[b]}" for a, b in ends for p in VOCABULARY.predicates}
    assert (len(texts), set(texts)) == (len(wanted), wanted)
    assert encoder.inputs == len(wanted) + len(list(encoder.shown))


def test_every_model_looks_at_the_same_images(scenes: list[Scene]) -> None:
    lone = Proposals(scenes[0].boxes[:1], scenes[0].labels[:1], (0.9,))
    scenes[0] = replace(scenes[0], given="proposals", proposals=lone)
    read = []
    for model in (Head(), BlindEncoder("chance", seed=0)):
        encoder = encoder_for(model)
        PROTOCOL.answer(scenes, model, encoder)
        read.append(encoder.files.sha256)
    assert read[0] == read[1]
    assert len(read[0]) == 2


def test_boxes_are_looked_at_with_the_image(scenes: list[Scene]) -> None:
    assert [ref.box for ref in PROTOCOL.regions(scenes[1])] == [None, *scenes[1].boxes]
