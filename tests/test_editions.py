"""Which files are read, by whose word, and by what name their numbers go."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from benchbench.editions import DRAWN, SCENES, choose, kind_of, resolve_edition
from benchbench.errors import BenchbenchError, MissingData, UsageError
from benchbench.evaluation import evaluate
from benchbench.registry import load_task
from benchbench.scenes.edition import export, folder_of, standard
from benchbench.types import TaskInfo

RELATION = "visual_genome_relation.json"


@pytest.fixture
def info() -> TaskInfo:
    return load_task("vg-relation").info


@pytest.fixture
def somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a folder for whoever might name one."""
    for name in ("passed", "variable", "file"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("passed", "asked", "edition_variable", "data_variable", "settings", "expected"),
    [
        (None, None, None, None, "", ("scenes", None)),
        (None, None, None, None, 'data_root = "file"', (None, "file")),
        (None, None, None, None, 'edition = "official"', ("official", None)),
        (None, None, None, None, 'edition = "official"\ndata_root = "file"', ("official", "file")),
        (None, None, None, None, 'edition = "scenes"\ndata_root = "file"', ("scenes", None)),
        (None, None, None, "variable", 'edition = "scenes"', (None, "variable")),
        (None, None, "scenes", "variable", 'data_root = "file"', ("scenes", None)),
        (None, None, "official", "variable", 'data_root = "file"', ("official", "variable")),
        (None, None, "official", None, 'data_root = "file"', ("official", "file")),
        (None, "scenes", "official", "variable", 'data_root = "file"', ("scenes", None)),
        (None, "scenes-v2", "official", "variable", "", ("scenes", None)),
        (None, "official", "scenes", "variable", 'edition = "scenes"', ("official", "variable")),
        (None, "official", "scenes", None, 'data_root = "file"', ("official", "file")),
        (None, "official", None, None, "", ("official", None)),
        ("passed", None, "scenes", "variable", 'data_root = "file"', (None, "passed")),
        ("passed", "official", "scenes", "variable", 'edition = "scenes"', ("official", "passed")),
    ],
)
def test_who_has_the_last_word(
    somewhere: Path,
    monkeypatch: pytest.MonkeyPatch,
    passed: str | None,
    asked: str | None,
    edition_variable: str | None,
    data_variable: str | None,
    settings: str,
    expected: tuple[str | None, str | None],
) -> None:
    variables = {"BENCHBENCH_EDITION": edition_variable, "BENCHBENCH_DATA": data_variable}
    for name, value in variables.items():
        if value is not None:
            monkeypatch.setenv(name, value)
    Path("benchbench.toml").write_text(settings)
    choice = choose(passed, asked)
    assert (choice.edition, choice.root and choice.root.name) == expected


def test_wrong_words_are_traced_to_who_said_them(
    somewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="reads no --data-root"):
        choose("passed", SCENES)
    with pytest.raises(UsageError, match=r"Unknown edition 'scenees'\. Did you mean 'scenes'"):
        choose(None, "scenees")
    with pytest.raises(UsageError, match=r"'scenes-v1'.*mean 'scenes-v2'.*official; .*--data-root"):
        choose("passed", "scenes-v1")
    Path("benchbench.toml").write_text('edition = "oficial"\n')
    with pytest.raises(UsageError, match=r"mean 'official'.*key 'edition' in .*benchbench\.toml"):
        choose()
    Path("benchbench.toml").write_text('data_root = "none"\n')
    with pytest.raises(MissingData, match=r"none \(key 'data_root' in .*benchbench\.toml\) does"):
        choose()
    monkeypatch.setenv("BENCHBENCH_DATA", "benchbench.toml")
    with pytest.raises(MissingData, match=r"\(BENCHBENCH_DATA\) is a file"):
        choose()
    monkeypatch.setenv("BENCHBENCH_EDITION", "")
    with pytest.raises(UsageError, match=r"Unknown edition ''.*BENCHBENCH_EDITION"):
        choose()


def test_the_drawn_world_is_read_unless_somebody_says_otherwise(
    small_standard: None, info: TaskInfo
) -> None:
    told: list[str] = []
    edition = resolve_edition(info, progress=lambda what, *_: told.append(what))
    assert (edition.name, edition.root) == ("scenes-v2", folder_of("vg-relation"))
    digest = hashlib.sha256((edition.root / RELATION).read_bytes()).hexdigest()
    assert edition.annotations_sha256 == digest
    assert told
    told.clear()
    again = resolve_edition(info, progress=lambda what, *_: told.append(what))
    assert (again.root, told) == (edition.root, [])
    other = load_task("coco-retrieval").info
    assert not folder_of("vg-attribution").exists(), "nobody waits for another task's images"
    assert not folder_of("karpathy").exists()
    assert resolve_edition(other).root == folder_of("karpathy")
    again = resolve_edition(load_task("coco-order").info, progress=lambda *_: told.append("drawn"))
    assert (again.root, told) == (folder_of("karpathy"), [])


def test_the_drawn_world_is_hashed_once(
    small_standard: None, info: TaskInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_edition(info)
    of_bytes, of_records, hashed = standard._bytes_digest, standard.annotations_digest, []

    def counted_bytes(paths: list[Path]) -> str:
        hashed.append("images")
        return of_bytes(paths)

    def counted_records(path: Path) -> str | None:
        hashed.append(path.name)
        return of_records(path)

    monkeypatch.setattr(standard, "_bytes_digest", counted_bytes)
    monkeypatch.setattr(standard, "annotations_digest", counted_records)
    resolve_edition(info)
    assert sorted(hashed) == ["images", RELATION]


def test_runs_go_by_the_name_of_their_edition(small_standard: None) -> None:
    run = evaluate("blind:chance", "vg-relation")
    assert (run.edition, kind_of(run.edition)) == ("scenes-v2", DRAWN)
    again = evaluate("blind:chance", "vg-relation", data_root=folder_of("vg-relation"))
    assert (again.edition, again.data_sha256) == (run.edition, run.data_sha256)


def test_a_tampered_cache_does_not_go_by_the_name(small_standard: None, info: TaskInfo) -> None:
    before = resolve_edition(info)
    path = before.root / RELATION
    path.write_text(path.read_text().replace("the ", "a ", 1))
    custom = resolve_edition(info, before.root)
    assert custom.name == f"custom-vg-relation-{custom.annotations_sha256[:8]}"
    assert resolve_edition(info) == before
    assert resolve_edition(info, before.root) == before


def test_an_exported_edition_goes_by_what_it_is(
    small_standard: None, info: TaskInfo, tmp_path: Path
) -> None:
    from benchbench.scenes.edition import plan

    counts: dict[str, Any] = {"images": plan.IMAGES, "dense": plan.DENSE, "training": plan.TRAINING}
    standard = export(tmp_path / "all", **counts, size=plan.SIZE)
    assert resolve_edition(info, standard) == dataclasses.replace(
        resolve_edition(info), root=standard
    )
    smaller = export(tmp_path / "Some Drawn", **{**counts, "images": 4}, size=plan.SIZE)
    assert resolve_edition(info, smaller).name.startswith("custom-some-drawn-")


def test_a_task_of_other_files_needs_a_folder(info: TaskInfo, undrawn: TaskInfo) -> None:
    wanted = "is no part of the drawn world: pass --data-root DIR.*data where undrawn"
    with pytest.raises(UsageError, match=wanted):
        resolve_edition(undrawn)
    images_only = dataclasses.replace(info, files=info.files[1:])
    with pytest.raises(UsageError, match="is no part of the drawn world"):
        resolve_edition(images_only)


def official(info: TaskInfo, root: Path) -> TaskInfo:
    """The task's card, as if this folder's files were the official ones."""
    names = [file.path for file in info.files if not file.path.endswith("/")]
    digests = {name: hashlib.sha256((root / name).read_bytes()).hexdigest() for name in names}
    return dataclasses.replace(info, official={"official": digests}, content={})


@pytest.mark.parametrize("name", ["vg-relation", "sugarcrepe"])
def test_files_of_known_digests_are_official(
    name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    fixture = {"vg-relation": "shapes"}.get(name, name)
    root = Path(shutil.copytree(request.getfixturevalue(fixture), tmp_path / "copied"))
    info = official(load_task(name).info, root)
    assert resolve_edition(info, root).name == "official"
    assert resolve_edition(info, root, "official").name == "official"
    digests = info.official["official"]
    first = sorted(digests)[0]
    (root / first).write_text((root / first).read_text() + "\n")
    custom = resolve_edition(info, root).name
    assert custom.startswith("custom-copied-")
    with pytest.raises(UsageError, match="are not the official ones") as caught:
        resolve_edition(info, root, "official")
    assert f"{first} has " in str(caught.value)
    assert f"not {digests[first][:12]}…" in str(caught.value)
    assert custom in str(caught.value)
    assert str(caught.value).count(" has ") == 1


def test_official_files_must_be_known_and_named(
    info: TaskInfo, shapes: Path, somewhere: Path
) -> None:
    with pytest.raises(UsageError, match=r"_relation\.json: it has 72 records, not 23,937"):
        resolve_edition(info, shapes, "official")
    unknown = dataclasses.replace(info, content={})
    with pytest.raises(UsageError, match="has no digest of the official files of vg-relation"):
        resolve_edition(unknown, shapes, "official")
    with pytest.raises(UsageError, match=r"nowhere named: pass --data-root.*data_root in bench"):
        resolve_edition(info, edition="official")


def test_images_alone_are_never_official(info: TaskInfo, shapes: Path) -> None:
    images_only = dataclasses.replace(info, files=info.files[1:])
    assert resolve_edition(images_only, shapes).name.startswith("custom-")


@pytest.mark.parametrize("wrong", [5, Path("scenes"), b"scenes"])
def test_an_edition_is_a_string(wrong: Any) -> None:
    with pytest.raises(BenchbenchError):
        choose(None, wrong)


def test_manifests_that_say_odd_things_make_a_custom_edition(
    small_standard: None, info: TaskInfo, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(resolve_edition(info).root, tmp_path / "copied"))
    said = json.loads((root / "edition.json").read_text())
    odds: list[dict[str, Any]] = [
        {"name": ["scenes-v2"]},
        {"name": "scenes-v1"},
        {"made_by": {}},
        {"standard": "yes"},
    ]
    for odd in odds:
        (root / "edition.json").write_text(json.dumps({**said, **odd}))
        assert resolve_edition(info, root).name.startswith("custom-copied-"), odd


def test_cocos_captions_are_known(coco_texts: Path, drawn_edition: Path) -> None:
    info = load_task("coco-retrieval").info
    assert resolve_edition(info, coco_texts).name == "official"
    assert resolve_edition(info, coco_texts, "official").name == "official"
    with pytest.raises(UsageError, match=r"coco_karpathy_test\.json: it has 20 records, not 5,000"):
        resolve_edition(info, drawn_edition, "official")
