"""The data sets that ship: they agree with the tasks, with each other and with known digests."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from benchbench.data.recognition import content_problem
from benchbench.datasets import names
from benchbench.datasets.content import digest_of, problem_of
from benchbench.datasets.manifest import DIGESTS, Dataset, File, Source
from benchbench.datasets.names import (
    advice,
    dataset_names,
    datasets_of,
    home,
    load_dataset,
    serving,
    task_root,
    with_linked,
)
from benchbench.datasets.place import data_root, default_root
from benchbench.datasets.sources import address_of, mirror_of, place_of, public_url
from benchbench.errors import (
    ContractError,
    DataUnavailable,
    MissingData,
    UnknownName,
    UsageError,
)
from benchbench.registry import load_task, task_names
from benchbench.types import Arrays, Content
from tests.conftest import SHARED
from tests.suites import crepe, eqben, negbench, spec, svo_probes

DATASETS = {name: load_dataset(name) for name in dataset_names()}
HEX = {"sha256": 64, "sha1": 40, "md5": 32}


@pytest.mark.parametrize("name", DATASETS)
def test_a_description_is_whole(name: str) -> None:
    dataset = DATASETS[name]
    assert dataset.title and dataset.licence and dataset.citation
    assert dataset.homepage.startswith("https://")
    assert dataset.files or dataset.folders
    assert (dataset.access == "open") or dataset.how
    for file in dataset.downloads:
        kind, _, digest = file.digest.partition(":")
        assert not file.digest or (kind in DIGESTS and re.fullmatch(r"[0-9a-f]+", digest))
        assert not file.digest or len(digest) == HEX[kind]
        archives = [each for folder in dataset.folders for each in folder.archives]
        assert file.digest or file.content or file in archives, "no check at all"
        assert file.sources or dataset.access == "manual"
        unchecked = [s.url for s in file.sources if s.url.startswith("http://")]
        assert not unchecked or file.digest or file.content
        for source in file.sources:
            assert urlsplit(public_url(source)).hostname
            assert source.note, "say what is known of its permanence"
    for folder in dataset.folders:
        assert folder.path.endswith("/")
        assert 0 < folder.images <= folder.at_most
    for link in dataset.links:
        (target,) = [each for each in DATASETS[link.dataset].folders if each.path == link.path]
        assert DATASETS[link.dataset].shared
        assert target.images > 0


def test_digests_and_sizes_are_those_of_the_files_beside_the_checkout() -> None:
    if not (SHARED / "SHA256SUMS").is_file():
        pytest.skip("no annotations beside the checkout")
    lines = [line.split() for line in (SHARED / "SHA256SUMS").read_text().splitlines()]
    known = {name: digest for digest, name in lines}
    checked = 0
    for name, dataset in DATASETS.items():
        for file in dataset.files:
            for folder in ("suites", "results"):
                key = f"{folder}/{name.replace('-', '_')}/{file.path}"
                if key in known:
                    assert file.digest == f"sha256:{known[key]}"
                    assert file.size == (SHARED / key).stat().st_size
                    checked += 1
    assert checked == 7 + 5 + 11 + 4 + 1 + 6 + 2
    earlier = known["suites/sugarcrepe/2023-06-23/swap_obj.json"]
    (swap,) = [each for each in DATASETS["sugarcrepe"].files if each.path == "swap_obj.json"]
    assert swap.earlier == (f"sha256:{earlier}",)
    captions = SHARED / "coco" / "coco_karpathy_test.json"
    assert problem_of(captions, DATASETS["coco-karpathy"].files[0]) is None


SERVED = [task for task in task_names() if serving(task)]


def test_tasks_of_published_files_have_data_sets() -> None:
    assert {"vg-relation", "coco-order", "sugarcrepe", "winoground"} <= set(SERVED)


@pytest.mark.parametrize("task", SERVED)
def test_a_task_s_data_set_has_its_files(task: str) -> None:
    info = load_task(task).info
    (dataset,) = serving(task)
    assert serving(f"{task}.variant") == [dataset]
    files = {file.path: file for file in dataset.files}
    paths = {*files, *(f.path for f in dataset.folders), *(each.path for each in dataset.links)}
    for file in info.files:
        made = any("freeze-order" in command for command in dataset.then)
        made |= file.path in {each.path for each in dataset.made}
        images = file.path.endswith("/") and bool(dataset.how)
        by_hand = file.path in dataset.how
        assert file.path.removeprefix(f"{dataset.folder}/") in paths or made or images or by_hand
    for digests in info.official.values():
        for whole, digest in digests.items():
            path = whole.removeprefix(f"{dataset.folder}/")
            if of_others := [each for each in dataset.made if each.path == path]:
                assert of_others[0].digest == f"sha256:{digest}"
                continue
            assert f"sha256:{digest}" in (files[path].digest, *files[path].earlier)


def test_names_lead_to_data_sets_and_wrong_ones_to_the_nearest() -> None:
    assert [each.name for each in datasets_of("aro")] == ["aro"]
    assert [each.name for each in datasets_of("vg-attribution")] == ["aro"]
    assert [each.name for each in with_linked(datasets_of("sugarcrepe"))] == [
        "coco-val2017",
        "sugarcrepe",
    ]
    with pytest.raises(
        UnknownName, match=r"'sugar-crepe'\. Did you mean 'sugarcrepe'\?.*data list"
    ):
        datasets_of("sugar-crepe")
    with pytest.raises(UnknownName, match="Did you mean 'winoground'"):
        load_dataset("winogrounds")


def test_a_plugin_brings_a_data_set_and_a_wrong_one_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = Dataset("mine", "Mine", "MIT", "me", "https://example.org", tasks=("my-task",))
    there = {"mine": lambda: own, "other": lambda: own, "broken": lambda: 1 / 0}
    monkeypatch.setattr(names, "_found", lambda: there)
    assert load_dataset("mine") is own
    with pytest.raises(ContractError, match="'other' gives Dataset"):
        load_dataset("other")
    with pytest.raises(ContractError, match="'broken' breaks: ZeroDivisionError"):
        load_dataset("broken")


def test_a_task_s_folder_is_the_root_itself_or_its_data_set_s(tmp_path: Path) -> None:
    info, dataset = load_task("vg-relation").info, DATASETS["aro"]
    assert task_root(info, tmp_path) == tmp_path
    (tmp_path / "aro").mkdir()
    assert task_root(info, tmp_path) == home(dataset, tmp_path) == tmp_path / "aro"
    (tmp_path / "visual_genome_relation.json").write_text("[]")
    assert task_root(info, tmp_path) == tmp_path
    other = tmp_path / "other"
    other.mkdir()
    (other / "replace_att.json").write_text("of SugarCrepe, not of SugarCrepe++")
    assert home(DATASETS["sugarcrepe-pp"], other) == other / "sugarcrepe_pp"
    (other / "visual_genome_relation.json").write_text("[]")
    assert home(dataset, other) == other


def test_advice_is_one_command(tmp_path: Path) -> None:
    info = load_task("coco-order").info
    root = tmp_path / "a root"
    frozen = "coco_order_negatives.json"
    assert advice(info, frozen, root) == f"benchbench data get coco-order --root '{root}'"
    assert advice(info, "x", default_root()) == "benchbench data get coco-order"
    (root / "coco_karpathy").mkdir(parents=True)
    (root / "coco_karpathy" / "coco_karpathy_test.json").write_text("[]")
    assert advice(info, frozen, root) == f"benchbench data get coco-order --root '{root}'"
    info, frozen = load_task("flickr30k-order").info, "flickr30k_order_negatives.json"
    (root / "flickr30k").mkdir()
    (root / "flickr30k" / "flickr30k_test.json").write_text("[]")
    assert advice(info, frozen, root) == (
        f"benchbench data freeze-order '{root}/flickr30k'/flickr30k_test.json"
    )


def test_the_data_root_is_passed_or_set_or_the_user_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert data_root() == tmp_path / "data home" / "benchbench"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert data_root() == tmp_path / ".local" / "share" / "benchbench"
    Path("benchbench.toml").write_text('data_root = "photographs"')
    assert data_root() == tmp_path / "photographs"
    monkeypatch.setenv("BENCHBENCH_DATA", str(tmp_path / "variable"))
    assert data_root() == tmp_path / "variable"
    assert data_root(tmp_path / "passed") == tmp_path / "passed"
    with pytest.raises(UsageError, match="is a file, not a folder"):
        data_root(tmp_path / "benchbench.toml")


CAPTIONS = [{"image": f"{i // 2}.jpg", "caption": [f"a {i}", f"b {i}"]} for i in range(6)]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (
            Content(6, distinct={("image",): 3, ("image", "caption"): 15}, total={"caption": 12}),
            None,
        ),
        (Content(6, pinned={0: {"image": "0.jpg"}, -1: {"caption": ["a 5", "b 5"]}}), None),
        (Content(7), "it has 6 records, not 7"),
        (Content(6, distinct={("image",): 4}), "3 distinct values of image, not 4"),
        (Content(6, total={"caption": 13}), "12 values of caption, not 13"),
        (Content(6, pinned={4: {"image": "0.jpg"}}), "record 4 has another image"),
        (Content(6, pinned={-1: {"image": "0.jpg"}}), "record 5 has another image"),
        (Content(fields={"data": None}), "should hold an object"),
        (Content(each=("image", "caption")), None),
        (Content(6, each=("image", "url")), "a record of it has no url"),
    ],
)  # fmt: skip
def test_content_is_counted_and_pinned(
    tmp_path: Path, content: Content, problem: str | None
) -> None:
    path, lines = tmp_path / "a.json", tmp_path / "a.jsonl"
    path.write_text(json.dumps(CAPTIONS))
    lines.write_text("".join(f"{json.dumps(each)}\n" for each in CAPTIONS))
    for each in (path, lines):
        found = content_problem(each, content)
        assert (found is None) if problem is None else problem in str(found)
    with pytest.raises(MissingData):
        content_problem(tmp_path / "none", content)
    path.write_text("[1, 2, 3, 4, 5, 6]")
    assert content_problem(path, Content(6)) == "a record of it is not an object"


def test_a_table_is_known_by_its_columns_and_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('image,caption\n1.jpg,"one,\ntwo"\n2.jpg,three\n')
    assert content_problem(path, Content(2, each=("image", "caption"))) is None
    assert content_problem(path, Content(each=("caption",), distinct={("image",): 2})) is None
    assert "2 records, not 3" in str(content_problem(path, Content(3, each=("image",))))
    assert "has no label" in str(content_problem(path, Content(each=("image", "label"))))
    path.write_text("image,caption\n")
    assert content_problem(path, Content(each=("image",))) == "it has no records"
    path.write_text("image,caption\n1.jpg\n")
    assert "has 1 cells" in str(content_problem(path, Content(each=("image",))))


def test_small_data_sets_in_official_formats_are_recognised(tmp_path: Path) -> None:
    """But for the number of their records: what a task reads is what the catalogue asks for."""
    checked = 0
    for name, suite in (("crepe", crepe), ("eqben", eqben), ("negbench", negbench),
                        ("spec", spec), ("svo-probes", svo_probes)):  # fmt: skip
        suite.write(tmp_path)
        for file in DATASETS[name].files:
            path = tmp_path / DATASETS[name].folder / file.path
            if path.is_file() and isinstance(file.content, Content):
                content = replace(file.content, records=None)
                assert content_problem(path, content) is None, path
                checked += 1
    assert checked > 20


def test_an_object_and_an_hdf5_file_are_checked(tmp_path: Path) -> None:
    import h5py

    path = tmp_path / "a.json"
    path.write_text('{"data": {"a": 1}}')
    assert content_problem(path, Content(fields={"data": 1})) is None
    assert "has 1 values, not 2" in str(content_problem(path, Content(fields={"data": 2})))
    assert "no field x" in str(content_problem(path, Content(fields={"x": None})))
    h5 = tmp_path / "a.h5"
    with h5py.File(h5, "w") as file:
        file["split"] = [0, 2, 2]
    assert content_problem(h5, Arrays({"split": 3})) is None
    assert content_problem(h5, Arrays({"split": -1})) is None
    assert "3 rows, not 4" in str(content_problem(h5, Arrays({"split": 4})))
    assert "no array boxes" in str(content_problem(h5, Arrays({"boxes": -1})))
    assert "not an HDF5 file" in str(content_problem(path, Arrays({"split": 3})))


def test_files_of_another_release_are_accepted_where_asked(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    file = File("a", (), 9, "sha256:" + "0" * 64, earlier=(f"md5:{digest_of(path, 'md5')}",))
    assert "it has 3 bytes, not 9" in str(problem_of(path, file))
    assert problem_of(path, file, earlier=True) is None
    path.write_text("[{}]")
    assert "its digest is" in str(problem_of(path, file, earlier=True))
    by_content = File("a", (), None, file.digest, content=Content(1))
    assert problem_of(path, by_content, earlier=True) is None
    assert "its digest is" in str(problem_of(path, by_content))
    path.write_bytes(b"neither")
    assert "its digest is" in str(problem_of(path, file, earlier=True))


def test_mirrors_have_files_by_host_and_path(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source("https://example.org/a/b.zip")
    assert address_of(source, None).url == "https://example.org/a/b.zip"
    mirror = mirror_of("http://127.0.0.1:8000/")
    assert address_of(source, mirror).url == "http://127.0.0.1:8000/example.org/a/b.zip"
    assert address_of(Source("gdrive://1k"), mirror).url.endswith("/drive.google.com/1k")
    assert mirror_of() is None
    monkeypatch.setenv("BENCHBENCH_MIRROR", "https://mirror/x")
    assert mirror_of() == "https://mirror/x"
    for wrong in ("", "ftp://x", "/folder", "https://", "https://a b", "http://[x"):
        with pytest.raises(UsageError, match="should be an address"):
            mirror_of(wrong)


def test_the_hub_gets_its_token_and_is_left_alone_when_switched_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import huggingface_hub
    from huggingface_hub import constants

    source = DATASETS["winoground"].files[0].sources[0]
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(DataUnavailable, match="switched off"):
        address_of(source, None)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "https://hub.example")
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: "hf_x")
    address = address_of(source, None)
    assert address.url == (
        "https://hub.example/datasets/facebook/winoground/resolve/main/data/examples.jsonl"
    )
    assert (address.secret, address.gated) == ("Bearer hf_x", True)
    assert place_of(source).startswith("huggingface.co/datasets/facebook/winoground/resolve/main/")
