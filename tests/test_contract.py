"""The contract checks pass what is sound and name what is not."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch

from benchbench.errors import ContractError
from benchbench.registry import load_task, task_names
from benchbench.testing import check_model, check_task
from benchbench.types import ImageRef, Item, VariantTask
from tests.pair_scorers import HashScorer

if TYPE_CHECKING:
    from benchbench.adapters.openclip import OpenClip
    from benchbench.types import TaskInfo

ROOTS = {
    "coco-order": "drawn_edition",
    "coco-retrieval": "drawn_edition",
    "flickr30k-order": "drawn_edition",
    "flickr30k-retrieval": "drawn_edition",
    "scenario-classification": "drawn_edition",
    "scenario-retrieval": "drawn_edition",
    "sugarcrepe": "sugarcrepe",
    "vg-attribution": "shapes",
    "vg-relation": "shapes",
    "vg-relation-detection": "drawn_graphs",
    "winoground": "winoground",
}
"""The fixture with a task's files, where that is not ``suites``."""
PHOTOGRAPHED = [name for name in task_names() if name not in ROOTS]


@pytest.mark.parametrize("name", task_names())
def test_every_task_keeps_the_contract(name: str, request: pytest.FixtureRequest) -> None:
    check_task(load_task(name), request.getfixturevalue(ROOTS.get(name, "suites")))


@pytest.mark.parametrize("mode", ["predicate", "sgcls"])
def test_variants_keep_it_too(mode: str, drawn_graphs: Path) -> None:
    check_task(load_task(f"vg-relation-detection.{mode}"), drawn_graphs)


@pytest.mark.parametrize("name", PHOTOGRAPHED)
def test_variants_of_photographs_keep_it_too(name: str, suites: Path) -> None:
    task = load_task(name)
    for variant in (task.variants if isinstance(task, VariantTask) else {}).values():
        check_task(variant, suites)


GOOD = Item("0", (ImageRef(Path("a.png")),), ("x", "y"), (0,), "a", {"relation": "on"})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"target": (2,)}, r"target \(2,\) is not a column"),
        ({"target": (0, 1)}, "1 images but 2 targets"),
        ({"captions": ("x",)}, "nothing to choose from"),
        ({"captions": ("x", " ")}, "empty caption"),
        ({"cluster": ""}, "no cluster"),
        ({"tags": {}}, r"lacks the tags \['relation'\]"),
        ({"images": (ImageRef(Path("a.png"), (5, 5, 5, 9)),)}, "empty crop"),
        ({"images": (), "target": ()}, "no image or no caption"),
    ],
)
def test_unsound_items_are_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ContractError, match=f"item 0: .*{message}"):
        check_task(StubTask([dataclasses.replace(GOOD, **change)]), Path())


def test_an_optional_tag_is_on_all_items_or_on_none() -> None:
    tagged = dataclasses.replace(GOOD, id="1", tags={"relation": "on", "composition": "seen"})
    check_task(StubTask([GOOD]), Path())
    check_task(StubTask([tagged]), Path())
    with pytest.raises(ContractError, match="1 of 2 items have the tag 'composition'"):
        check_task(StubTask([GOOD, tagged]), Path())


def test_undeclared_tags_are_named() -> None:
    tagged = dataclasses.replace(GOOD, tags={"relation": "on", "colour": "red"})
    with pytest.raises(ContractError, match="items have the tag 'colour', which the task does not"):
        check_task(StubTask([tagged]), Path())
    check_task(StubTask([tagged], tags=("relation", "colour")), Path())


@pytest.mark.parametrize("change", [{"by": "relatoin"}, {"only": (("relatoin", "on"),)}])
def test_a_mistyped_tag_of_a_metric_is_one_error(change: dict[str, Any]) -> None:
    info = load_task("vg-relation").info
    metrics = (*info.metrics, dataclasses.replace(info.metrics[0], name="mine", **change))
    items = [dataclasses.replace(GOOD, id=str(number)) for number in range(50)]
    with pytest.raises(ContractError) as caught:
        check_task(StubTask(items, metrics=metrics), Path())
    lines = [line for line in str(caught.value).splitlines() if "relatoin" in line]
    assert len(lines) == 1
    assert "metric 'mine' uses the tag 'relatoin', which the task does not declare" in lines[0]
    assert "its tags are composition, kind, relation" in lines[0]


def test_unsound_tasks_are_named() -> None:
    with pytest.raises(ContractError, match="is not a task"):
        check_task(object(), Path())
    with pytest.raises(ContractError, match="there are no items"):
        check_task(StubTask([]), Path())
    with pytest.raises(ContractError, match="ids repeat"):
        check_task(StubTask([GOOD, GOOD]), Path())
    with pytest.raises(ContractError, match="headline 'none' is not among"):
        check_task(StubTask([GOOD], headline="none"), Path())
    with pytest.raises(ContractError, match=r"headline 'none' is not among .*\(drawn\)"):
        check_task(StubTask([GOOD], headlines={"drawn": "none"}), Path())
    with pytest.raises(ContractError, match="no kind of edition 'painted': there are photographs"):
        check_task(StubTask([GOOD], headlines={"painted": "macro"}), Path())
    with pytest.raises(ContractError, match="lower case with hyphens"):
        check_task(StubTask([GOOD], name="VG Relation"), Path())
    with pytest.raises(ContractError, match=r"digests of official are of \['a\.json'\], files are"):
        check_task(StubTask([GOOD], official={"official": {"a.json": "0" * 64}}), Path())
    official = {"official": {"visual_genome_relation.json": "ABC"}}
    with pytest.raises(ContractError, match="is not a SHA-256 in lower-case hex"):
        check_task(StubTask([GOOD], official=official), Path())
    with pytest.raises(ContractError, match="should be named official or official-DATE"):
        check_task(StubTask([GOOD], official={"first": {"a.json": "0" * 64}}), Path())


class StubTask:
    """VG-Relation's card over given items."""

    def __init__(self, items: list[Item], **info: Any) -> None:
        self.info: TaskInfo = dataclasses.replace(load_task("vg-relation").info, **info)
        self._items = items

    def items(self, root: Path) -> list[Item]:
        return self._items


def test_a_sound_model_passes(tiny_model: OpenClip) -> None:
    check_model(tiny_model)


def test_unsound_models_are_named(tiny_model: OpenClip, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str, replacement: Any, message: str) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(tiny_model, name, replacement)
            with pytest.raises(ContractError, match=message):
                check_model(tiny_model)

    encode_images, encode_texts = tiny_model.encode_images, tiny_model.encode_texts
    token_ids = tiny_model.token_ids
    broken("similarity", "euclid", "neither 'cosine' nor 'dot'")
    broken("logit_scale", float("nan"), "finite, positive number")
    broken("transform", lambda p: torch.zeros(3, p.width, p.height), "expected one")
    broken("transform", lambda _: torch.rand(3, 32, 32), "another tensor the second time")
    broken("encode_images", lambda b, r: encode_images(b, r)[:1], "for 5 inputs")
    broken("encode_images", lambda b, r: encode_images(b, r) * float("nan"), "not finite")
    broken("encode_texts", lambda b, r: encode_texts(b, r) * 0, "encode_texts gives zero vectors")
    zeros = dataclasses.replace(tiny_model.manifest, weights_sha256="0" * 64)
    broken("manifest", zeros, "which is not a digest")
    broken("encode_images", lambda b, r: encode_images(b, r) - b.mean(), "else is in the batch")
    broken("encode_texts", lambda b, r: encode_texts(b, r) + torch.rand(1), "second time")
    broken(
        "encode_texts", lambda b, r: encode_texts(b, r)[:, :3], "encode_images 16, encode_texts 3"
    )
    broken("encode_texts", lambda b, r: 1 / 0, "it raises ZeroDivisionError: .*test_contract.py")
    broken("token_ids", lambda t: [ids[:24] for ids in token_ids(t)], "token_ids truncates")
    broken("token_ids", lambda t: [tuple(sorted(ids)) for ids in token_ids(t)], "word order")
    with pytest.raises(ContractError, match=r"lacks .*encode_images"):
        check_model(object())


def test_a_dot_product_sees_what_unit_length_hides(
    tiny_model: OpenClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode_texts = tiny_model.encode_texts
    monkeypatch.setattr(tiny_model, "encode_texts", lambda b, r: encode_texts(b, r) * len(b))
    check_model(tiny_model)
    manifest = dataclasses.replace(tiny_model.manifest, similarity="dot")
    monkeypatch.setattr(tiny_model, "similarity", "dot")
    monkeypatch.setattr(tiny_model, "manifest", manifest)
    with pytest.raises(ContractError, match="encode_texts depends on what else is in the batch"):
        check_model(tiny_model)


def test_a_sound_pair_scorer_passes() -> None:
    check_model(HashScorer())


@pytest.mark.parametrize(
    ("name", "replacement", "message"),
    [
        ("encode_images", lambda shown: list(shown)[:1], "1 features of 5 images"),
        ("score", lambda f, t: torch.zeros(len(t), 1), r"shape \(25, 1\) for 25 pairs"),
        ("score", lambda f, t: torch.full([len(t)], float("nan")), "not finite"),
        ("score", lambda f, t: torch.rand(len(t)), "second time"),
        ("score", lambda f, t: torch.full([len(t)], len(t)), "what else is in the batch"),
        (
            "token_ids",
            lambda texts: [tuple(each.encode()[:40]) for each in texts],
            "token_ids truncates",
        ),
        ("token_ids", lambda texts: [], "a tuple of integers"),
    ],
)
def test_unsound_pair_scorers_are_named(name: str, replacement: Any, message: str) -> None:
    model = HashScorer()
    setattr(model, name, replacement)
    with pytest.raises(ContractError, match=message):
        check_model(model)


def test_a_pair_scorer_that_lacks_something_is_named() -> None:
    class Half:
        def score(self) -> None: ...

    with pytest.raises(ContractError, match="is not a pair scorer: it lacks device, encode_images"):
        check_model(Half())


def test_embeddings_are_not_told_as_pairs() -> None:
    model = HashScorer()
    model.manifest = dataclasses.replace(model.manifest, similarity="cosine")
    with pytest.raises(ContractError, match="similarity is 'cosine', not 'pairs'"):
        check_model(model)
