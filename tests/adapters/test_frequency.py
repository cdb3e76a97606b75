"""The frequency baseline against counts made another way."""

from __future__ import annotations

import math
from itertools import permutations
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest

from benchbench.adapters.blind import FrequencyBaseline
from benchbench.data.vg150 import read_scenes
from benchbench.errors import UsageError
from benchbench.registry import load_model
from benchbench.testing import check_model
from benchbench.types import Learner, RelationInput, RelationScorer, Scene, Vocabulary
from tests.scene_graphs import write


def input_of(scene: Scene, vocabulary: Vocabulary | None = None) -> RelationInput:
    def image() -> Any:
        raise AssertionError("it does not look")

    pairs = tuple(permutations(range(len(scene.boxes)), 2))
    return RelationInput(image, scene.boxes, scene.labels, pairs, vocabulary or scene.vocabulary)


def plain(training: list[Scene], subject: int, thing: int, predicate: int) -> float:
    """The formula of the module's docstring, as loops."""

    def held(labels: tuple[int, int] | None, of: int | None) -> int:
        return sum(
            1
            for scene in training
            for s, o in permutations(range(len(scene.boxes)), 2)
            if labels in (None, (scene.labels[s], scene.labels[o]))
            and (of is None or (s, o, of) in scene.relations)
        )

    prior = (held(None, predicate) + 1) / (held(None, None) + 1)
    both = subject, thing
    return math.log((held(both, predicate) + prior) / (held(both, None) + 1))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from benchbench.scenes.edition import export

    root = tmp_path_factory.mktemp("frequency") / "e"
    return export(root, parts=("vg150",), dense=3, training=6, size=96)


@pytest.mark.parametrize("source", ["made up", "drawn"])
def test_scores_follow_the_formula(source: str, tmp_path: Path, drawn: Path) -> None:
    root = write(tmp_path) if source == "made up" else drawn
    training, test = read_scenes(root, "training"), read_scenes(root)
    model = FrequencyBaseline().fit(training)
    for scene in test[:2]:
        shown = input_of(scene)
        found = model.score_relations(shown)
        labels = [(scene.labels[s], scene.labels[o]) for s, o in shown.pairs]
        names = range(len(scene.vocabulary.predicates))
        expected = {(s, o): [plain(training, s, o, p) for p in names] for s, o in set(labels)}
        assert found == pytest.approx(np.array([expected[pair] for pair in labels]))
        assert (found <= 0).all()
        objects = model.score_objects(shown)
        seen = [label for each in training for label in each.labels]
        n = len(scene.vocabulary.objects)
        share = [(seen.count(i) + 1) / (len(seen) + n) for i in range(n)]
        assert objects == pytest.approx(np.tile(np.log(share), (len(scene.boxes), 1)))


def test_repeats_count_once_and_a_box_is_no_pair_with_itself(tmp_path: Path) -> None:
    relations = [[0, 1], [1, 2], [8, 6], [8, 6], [3, 4], [3, 4]]
    twice = read_scenes(write(tmp_path), "training")
    alone = [*relations[:4], [4, 4], [3, 4]]
    once = read_scenes(write(tmp_path, {"relationships": alone}), "training")
    assert twice[0].relations != once[0].relations
    assert FrequencyBaseline().fit(twice).manifest == FrequencyBaseline().fit(once).manifest


def test_it_says_what_it_has_learnt(tmp_path: Path) -> None:
    loaded = load_model("blind:frequency")
    assert isinstance(loaded, RelationScorer) and isinstance(loaded, Learner)
    model = FrequencyBaseline()
    assert model.manifest == load_model("blind:frequency").manifest
    assert model.manifest.settings["learned"] == "nothing"
    assert "note" in model.manifest.settings
    assert model.fit(()).manifest == model.manifest
    training = read_scenes(write(tmp_path), "training")
    learnt = model.fit(training)
    assert learnt.manifest.settings["learned"] == "1 training images"
    assert "note" not in learnt.manifest.settings
    other = model.fit(read_scenes(tmp_path))
    fingerprints = {each.manifest.fingerprint for each in (model, learnt, other)}
    assert len(fingerprints) == 3, "what was learnt is part of the identity"
    check_model(learnt)


def test_without_training_everything_is_alike(tmp_path: Path) -> None:
    shown = input_of(read_scenes(write(tmp_path))[0])
    model = FrequencyBaseline()
    assert model.score_relations(shown) == pytest.approx(np.full((6, 2), math.log(1 / 2)))
    assert model.score_objects(shown) == pytest.approx(np.full((3, 3), math.log(1 / 3)))


def test_no_pair_gives_no_row_and_other_names_are_refused(tmp_path: Path) -> None:
    training = read_scenes(write(tmp_path), "training")
    model = FrequencyBaseline().fit(training)
    words = training[0].vocabulary
    assert model.score_relations(RelationInput(lambda: None, (), (), (), words)).shape == (0, 2)  # type: ignore[arg-type, return-value]
    other = input_of(training[0], Vocabulary(words.objects, ("wears", "under")))
    with pytest.raises(UsageError, match="other names"):
        model.score_relations(other)
    with pytest.raises(UsageError, match="other names"):
        model.score_objects(other)


def counted(root: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Relations of the files by pandas: image, subject, object, predicate, names; the test's."""
    with h5py.File(root / "VG-SGG.h5") as file:
        arrays = {name: file[name][:] for name in file}
    first, last = arrays["img_to_first_rel"], arrays["img_to_last_rel"]
    image = np.repeat(np.arange(len(first)), np.where(first < 0, 0, last - first + 1))
    labels = arrays["labels"][:, 0] - 1
    subject, thing = arrays["relationships"].T
    table = pd.DataFrame(
        {
            "test": arrays["split"][image] == 2,
            "subject": subject,
            "thing": thing,
            "s": labels[subject],
            "o": labels[thing],
            "p": arrays["predicates"][:, 0] - 1,
        }
    )
    pairs = table[table["subject"] != table["thing"]]
    return pairs[~pairs["test"]].drop_duplicates(), table[table["test"]]


def test_predictions_on_photographs_equal_a_pandas_count(vrd: Path) -> None:
    training, test = counted(vrd)
    overall = training.groupby("p").size()
    held = training.groupby(["s", "o", "p"]).size().rename("n").reset_index()
    held["overall"] = held["p"].map(overall)
    held = held.sort_values(["n", "overall", "p"], ascending=[False, False, True])
    best = held.groupby(["s", "o"])["p"].first()
    expected = [best.get(pair, overall.idxmax()) for pair in zip(test["s"], test["o"], strict=True)]

    model = FrequencyBaseline().fit(read_scenes(vrd, "training"))
    found: list[int] = []
    for scene in read_scenes(vrd):
        pairs = tuple((subject, thing) for subject, thing, _ in scene.relations)
        shown = RelationInput(
            input_of(scene).image, scene.boxes, scene.labels, pairs, scene.vocabulary
        )
        scores = model.score_relations(shown)
        assert np.isfinite(scores).all()
        found += scores.argmax(axis=1).tolist()
    assert len(found) == 7638
    assert found == expected
    assert sum(a == b for a, b in zip(found, test["p"], strict=True)) == 3997
