"""Captions to frozen files: names, counts, seeds, and what is refused."""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchbench.data import freezing
from benchbench.data.freezing import freeze_order
from benchbench.data.order import TaggedCaption, pre_caption
from benchbench.data.tagging import Tagger, find_tagger
from benchbench.errors import BenchbenchError, MalformedData, MissingData, UsageError
from benchbench.registry import load_task

CAPTIONS = [
    {"image": "a/1.jpg", "caption": ["A red dog by a big cat.", "Two dogs"]},
    {"image": "b.jpg", "caption": ["The man's hat is on his head!"]},
]


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Karpathy file of three captions; every word is a noun to its tagger."""

    def tag(text: str) -> TaggedCaption:
        return TaggedCaption(text, [(word, "NN") for word in text.split()], text.split())

    monkeypatch.setattr(freezing, "find_tagger", lambda name: Tagger("nouns 1", tag))
    path = tmp_path / "coco_karpathy_test.json"
    path.write_text(json.dumps(CAPTIONS, indent=2))
    return path


def test_a_file_per_seed_lies_beside_its_source_and_is_read_by_the_task(source: Path) -> None:
    told: list[tuple[str, int, int]] = []
    written = freeze_order(
        source, seeds=[0, 1, 0], progress=lambda *progress: told.append(progress)
    )
    assert [path.name for path in written] == [
        "coco_order_negatives.json",
        "coco_order_negatives.seed1.json",
    ]
    assert told[-1] == ("captions", 3, 3)
    assert sorted(p.name for p in source.parent.iterdir() if "part" in p.name) == []
    contents = [json.loads(path.read_text()) for path in written]
    assert [(c["tagger"], c["seed"]) for c in contents] == [("nouns 1", 0), ("nouns 1", 1)]
    task: Any = load_task("coco-order")
    plain, other = task.items(source.parent), task.variants["seed1"].items(source.parent)
    assert [item.id for item in plain] == [item.id for item in other] == ["0/0", "0/1", "1/0"]
    assert [i.captions[0] for i in plain] == [i.captions[0] for i in other]
    assert [i.captions for i in plain] != [i.captions for i in other]
    assert plain[0].captions[0] == "a red dog by a big cat"
    assert plain[0].cluster == "a/1.jpg"


def test_other_captions_beside_a_frozen_file_are_noticed(source: Path) -> None:
    freeze_order(source)
    source.write_text(json.dumps(CAPTIONS))  # other white space, same records
    assert len(load_task("coco-order").items(source.parent)) == 3
    source.write_text(json.dumps(CAPTIONS[:1]))
    with pytest.raises(MalformedData, match=r"frozen from other captions.*freeze-order"):
        load_task("coco-order").items(source.parent)


def change_seed(content: dict[str, Any]) -> None:
    content["seed"] = 1


def change_perturbations(content: dict[str, Any]) -> None:
    content["perturbations"].reverse()


def change_caption(content: dict[str, Any]) -> None:
    content["items"][1]["caption"] = "Three dogs!"


def change_true_option(content: dict[str, Any]) -> None:
    content["items"][1]["true_option"] = "Two dogs"


def repeat_an_item(content: dict[str, Any]) -> None:
    content["items"][1]["caption_number"] = 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (change_seed, "at the top: field 'seed' should be 0"),
        (change_perturbations, "field 'perturbations' should be shuffle_nouns_and_adj, "),
        (change_caption, r"items\[1\]: field 'true_option' is 'two dogs'; .*'three dogs'"),
        (change_true_option, r"items\[1\]: field 'true_option' is 'Two dogs'; .*'two dogs'"),
        (repeat_an_item, r"items\[1\]: field 'caption_number' makes it 0/0, as an earlier"),
    ],
)
def test_a_frozen_file_is_held_to_what_it_says(
    source: Path, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    (path,) = freeze_order(source)
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(MalformedData, match=message):
        load_task("coco-order").items(source.parent)


@pytest.mark.parametrize(
    ("content", "settings", "message"),
    [
        ([{"image": "a.jpg", "caption": ["..."]}], {}, "'...' of a.jpg has no words"),
        ([{"image": "a.jpg", "caption": []}], {}, "field 'caption'"),
        ([{"image": "../a.jpg", "caption": ["a"]}], {}, "inside the image folder"),
        ({"format": "order-negatives"}, {}, "list of records"),
        (CAPTIONS, {"seeds": []}, "Seeds are whole numbers"),
        (CAPTIONS, {"seeds": [-1]}, "Seeds are whole numbers"),
        (CAPTIONS, {"out": Path("/none/such")}, "No such folder"),
    ],
)
def test_what_cannot_be_frozen_is_named(
    source: Path, content: object, settings: dict[str, Any], message: str
) -> None:
    source.write_text(json.dumps(content))
    with pytest.raises(BenchbenchError, match=message):
        freeze_order(source, **settings)
    assert [path.name for path in source.parent.glob("*negatives*")] == []


def test_a_folder_that_holds_the_name_is_refused(source: Path) -> None:
    (source.parent / "coco_order_negatives.json").mkdir()
    with pytest.raises(UsageError, match=r"Cannot write .*--out DIR"):
        freeze_order(source)


def test_a_full_disk_is_no_fault_of_the_data(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: bytes) -> None:
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(UsageError, match=r"coco_order_negatives\.json: No space left on device"):
        freeze_order(source)
    assert [path.name for path in source.parent.iterdir()] == [source.name]


def test_a_missing_source_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match=r"none\.json"):
        freeze_order(tmp_path / "none.json")


@pytest.fixture(scope="module")
def coco(tmp_path_factory: pytest.TempPathFactory, coco_captions: Path) -> dict[str, Any]:
    """COCO's captions, frozen."""
    pytest.importorskip("HanTa")
    (path,) = freeze_order(coco_captions, out=tmp_path_factory.mktemp("coco"), tagger="hanta")
    content: dict[str, Any] = json.loads(path.read_text())
    return content


PINNED = {
    "HanTa 1.2.1, morphmodel_en": ("4368e3943108c290", "c18a8aa0e8cd5fe8", "0a645f4eacc05728")
}
"""Digests of the first, tenth and last record: the captions are not ours to print."""


def test_cocos_captions_make_25010_items(coco: dict[str, Any]) -> None:
    items = coco["items"]
    assert len(items) == 25_010
    assert len({item["image"] for item in items}) == 5_000
    ends = [json.dumps(items[i], sort_keys=True).encode() for i in (0, 9, -1)]
    found = tuple(hashlib.sha256(end).hexdigest()[:16] for end in ends)
    assert found == PINNED.get(coco["tagger"], found)


def test_no_true_option_is_among_its_negatives_unless_a_no_op(coco: dict[str, Any]) -> None:
    from open_clip.tokenizer import SimpleTokenizer

    from benchbench.protocols.matching import no_ops
    from benchbench.types import Item

    tokenizer, by_string, flagged = SimpleTokenizer(), 0, 0
    for number, record in enumerate(coco["items"]):
        options = (record["true_option"], *record["negatives"])
        assert all(option == pre_caption(option) for option in options)
        item = Item(str(number), (), options, (0,), "c")
        flags = no_ops(item, [tuple(tokenizer.encode(option)) for option in options])
        same = [option == options[0] for option in options[1:]]
        assert all(flag for flag, equal in zip(flags[1:], same, strict=True) if equal)
        by_string, flagged = by_string + sum(same), flagged + sum(flags)
    assert 0.04 < by_string / 100_040 < flagged / 100_040 < 0.06


def test_a_tagger_is_not_needed_for_captions_whose_words_are_published(
    coco_captions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shuffles of two seeds, to the byte: their digests are the pinned ones."""
    monkeypatch.setattr(freezing, "find_tagger", lambda name: pytest.fail(f"a tagger: {name}"))
    written = freeze_order(coco_captions, out=tmp_path, seeds=[0, 3])
    task: Any = load_task("coco-order")
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in written}
    pinned = [task.info.official, task.variants["seed3"].info.official]
    assert found == {k: v for each in pinned for k, v in each["official-2026-11-30"].items()}


def test_other_captions_have_no_published_words(source: Path) -> None:
    with pytest.raises(MalformedData, match=r"other captions than COCO's .*--tagger auto"):
        freeze_order(source, tagger="published")
    assert json.loads(freeze_order(source)[0].read_text())["tagger"] == "nouns 1"


def test_the_tagger_of_the_extra_is_the_one_that_auto_finds() -> None:
    pytest.importorskip("HanTa")
    assert find_tagger("auto").name.startswith(("HanTa", "spacy"))


def test_coco_s_shuffles_are_those_whose_digest_is_pinned(coco_texts: Path, tmp_path: Path) -> None:
    pytest.importorskip("HanTa")
    source = tmp_path / "coco_karpathy_test.json"
    shutil.copyfile(coco_texts / source.name, source)
    (frozen,) = freeze_order(source, tagger="hanta")
    pinned = load_task("coco-order").info.official["official-2026-11-30"]
    assert pinned == {frozen.name: hashlib.sha256(frozen.read_bytes()).hexdigest()}
