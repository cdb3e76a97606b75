"""Files of published figures: what ships is sound, and what is wrong is named."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from pathlib import Path

import pytest

import benchbench as bb
from benchbench.analysis.paired import paired_scores
from benchbench.analysis.quoting import figures_of
from benchbench.data.published.figure import published_figures, published_models, read_figures
from benchbench.data.published.sources import read_source
from benchbench.data.published.vl_compo import ARO, METRICS, SUBSETS, read_vl_compo
from benchbench.errors import MalformedData, MissingData, UsageError
from benchbench.render.publication import read_published

TOP = Path(__file__).parent.parent.parent
VL_COMPO = TOP.parent / "shared" / "data" / "results" / "vl_compo" / "individual_results.csv"

SOUND = """
title = "A paper, 2023"
short = "A paper"
address = "https://example.org"

[models.mine]
title = "Mine"
names = ["mine.pt"]
activation = "gelu"

[[table]]
task = "sugarcrepe"
where = "Table 1"
editions = ["official-2023-11-18"]
metric = "sugarcrepe-paper"
by = "subset"
columns = ["add_obj", "swap_att"]

[table.rows]
mine = ["70", ""]
negclip = ["71.25", "100"]
"""


def written(folder: Path, text: str, name: str = "own.toml") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def test_what_ships_is_of_tasks_metrics_and_editions_that_there_are() -> None:
    figures = published_figures()
    assert len(figures) > 200
    for task in {each.task for each in figures}:
        info = bb.load_task(task).info
        of_task = figures_of(figures, info)
        assert of_task
        for each in of_task:
            assert set(each.editions) <= {"official", *info.official}, each
            assert each.source.address.startswith("https://"), each
    same = Counter(
        (f.task, f.metric, f.by, f.group, f.model.key, f.source, f.where, f.differs)
        for f in figures
    )
    assert not [key for key, n in same.items() if n > 1]


COMMIT = re.compile(r"\b[0-9a-f]{7,40}\b")


def test_every_figure_names_a_place_that_can_be_looked_up() -> None:
    """A file of a repository is named with its commit; a thread has its number."""
    for each in published_figures():
        source = each.source
        assert source.title and source.short and each.where
        of_repository = "github.com" in source.address or re.search(r"\.(csv|json)\b", each.where)
        if of_repository and not re.search(r"/(issues|pull)/\d+$", source.address):
            assert COMMIT.search(f"{source.title} {source.seen}"), source


MEASURED = (
    "bivlc", "cola", "colorswap", "crepe", "cxc", "eccv-caption", "eqben", "mmvp-vlm", "negbench",
    "negbench.plain", "negbench.retrieval", "negbench.voc2007", "spec", "sugarcrepe-pp",
    "svo-probes", "valse", "whatsup", "whatsup.coco", "whatsup.gqa", "winoground",
)  # fmt: skip


@pytest.mark.parametrize("task", MEASURED)
def test_a_suite_that_clip_was_measured_on_has_its_figures(task: str) -> None:
    """Figures of groups are by the tag that the metric itself averages over."""
    found = [each for each in published_figures() if each.task == task]
    assert "openai-vit-b-32" in {each.model.key for each in found}
    of_metric = {metric.name: metric.by for metric in bb.load_task(task).info.metrics}
    assert all(each.by in ("", of_metric[each.metric]) for each in found)


@pytest.mark.parametrize(
    ("task", "metric"),
    [
        ("whatsup", "individual"),
        ("whatsup.coco", "individual"),
        ("whatsup.gqa", "individual"),
        ("sugarcrepe-pp", "image-text"),
        ("sugarcrepe-pp", "text-only"),
        ("crepe", "R@1"),
        ("spec", "image-to-text"),
        ("spec", "text-to-image"),
        ("mmvp-vlm", "patterns"),
    ],
)
def test_a_mean_in_print_is_that_of_its_groups(task: str, metric: str) -> None:
    """One source's mean and groups agree by the task's definition, to the printed digits."""
    figures = [f for f in published_figures() if f.task == task and f.metric == metric]
    checked = 0
    for whole in figures:
        groups = [
            f
            for f in figures
            if f.by and not whole.by and (f.source, f.model) == (whole.source, whole.model)
        ]
        if groups and not whole.differs:
            mean = sum(f.share for f in groups) / len(groups)
            assert mean == pytest.approx(whole.share, abs=1.01 * 10.0 ** -(whole.digits + 2)), whole
            checked += 1
    assert checked


def test_no_name_is_of_two_models_and_every_model_has_a_figure() -> None:
    names = Counter(name for model in published_models().values() for name in model.names)
    assert max(names.values()) == 1
    assert {each.model.key for each in published_figures()} == set(published_models())


def test_the_published_decisions_give_the_figures_in_print() -> None:
    """SugarCrepe's thread 3 by subset, against the imported runs: a plain count."""
    runs = read_published(TOP / "leaderboards" / "official-2023-06-23")["sugarcrepe"]
    of_name = {run.model.name: run for run in runs.values()}
    checked = 0
    for each in published_figures():
        for name in each.model.names & set(of_name):
            if "official-2023-06-23" not in each.editions or each.by != "subset":
                continue
            of_subset = [o for o in of_name[name].outcomes if o.tags["subset"] == each.group]
            right = sum(o.scores[0, 0] > o.scores[0, 1] for o in of_subset)
            low, high = each.bounds
            assert low <= right / len(of_subset) <= high, each
            checked += 1
    assert checked == 9
    assert paired_scores([of_name["OpenAI ViT-B/32"]]).means[0].n_items == 7512


def test_a_file_of_ones_own_is_read(tmp_path: Path) -> None:
    one, two, three = read_figures(written(tmp_path, SOUND))
    assert (one.model.title, one.group, one.printed) == ("Mine", "add_obj", "70")
    assert one.model.names == {"mine.pt"}
    assert (two.model.key, two.printed, two.share) == ("negclip", "71.25", 0.7125)
    assert (three.group, three.share) == ("swap_att", 1.0)
    assert one.bounds == pytest.approx((0.695, 0.71), abs=1e-6)
    assert two.bounds == pytest.approx((0.71245, 0.7126), abs=1e-6)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('title = "A paper, 2023"\n', "", "no field 'title'"),
        ('short = "A paper"', 'short = " "', "'short' is empty"),
        ('address = "https', 'adress = "https', "'adress' is unknown"),
        ('where = "Table 1"\n', "", "no field 'where'"),
        ('by = "subset"\n', "", "'metric' and 'by' belong together"),
        ('metric = "sugarcrepe-paper"\n', "", "'metric' and 'by' belong together"),
        ('"71.25"', "71.25", "'negclip' should be a string"),
        ('"71.25"', '"0.7125 %"', "should hold percentages from 0 to 100"),
        ('"71.25"', '"101"', "should hold percentages from 0 to 100"),
        ('["70", ""]', '["70"]', "should have 2 figures, not 1"),
        ("negclip =", "negclp =", "'negclp' is not a published model"),
        ('activation = "gelu"', 'activation = "relu"', "should be gelu or quickgelu"),
        ('by = "subset"', 'by = "subset"\nimages = "crop"', "should be crops or whole images"),
        ('by = "subset"', 'by = "subset"\nedition = "a"', "'edition' is unknown"),
        ("[[table]]", "[table]", "valid TOML|should be a list of records"),
        ("[models.mine]", "[models", "is not valid TOML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in SOUND
    path = written(tmp_path, SOUND.replace(old, new))
    with pytest.raises(MalformedData, match=said) as caught:
        read_figures(path)
    assert str(path) in str(caught.value)


def test_files_of_no_format_or_none(tmp_path: Path) -> None:
    with pytest.raises(MissingData):
        read_source(tmp_path / "none.toml")
    with pytest.raises(UsageError, match=r"read from \.toml and \.csv files"):
        read_source(tmp_path / "figures.json")
    bad = tmp_path / "bad.toml"
    bad.write_bytes(b"\xff\xfe")
    with pytest.raises(MalformedData, match="valid TOML"):
        read_source(bad)


COLUMNS = ["arch", "pretrained", "family", *ARO, "winoground::text", "sugarcrepe::add_obj",
           "coco_karpathy::t2i/R@5", "elevator::dtd"]  # fmt: skip


def table(*rows: list[str]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows([COLUMNS, *rows])
    return out.getvalue()


def test_vl_compos_table(tmp_path: Path) -> None:
    text = table(
        ["ViT-B-32", "openai", "OpenCLIP", "59.896", "63", "47", "59", "31.25", "77.2", "56", "1"],
        ["Odd", "ft", "Other", "1", "2", "3", "4", "5", "6", "", "1"],
    )  # fmt: skip
    figures = read_vl_compo(written(tmp_path, text, "individual_results.csv"))
    assert len(figures) == 7 + 6
    assert figures[0].model == published_models()["openai-vit-b-32"]
    assert (figures[0].task, figures[0].printed) == ("vg-relation", "59.90")
    assert figures[0].differs
    of = {(each.task, each.metric, each.group): each.printed for each in figures[:7]}
    assert of["coco-retrieval", "t2i-R@5", ""] == "56.00"
    assert of["sugarcrepe", "sugarcrepe-paper", "add_obj"] == "77.20"
    assert figures[-1].model.names == frozenset()


@pytest.mark.parametrize("value", ["x", "nan", "-1", "100.1", "inf"])
def test_vl_compos_table_with_something_else(tmp_path: Path, value: str) -> None:
    path = written(tmp_path, table(["a", "b", "c", value, *["1"] * 7]), "a.csv")
    with pytest.raises(MalformedData, match=r"line 2: aro::VG_Relation is .* not a percentage"):
        read_vl_compo(path)
    other = written(tmp_path, "model,score\na,1\n", "b.csv")
    with pytest.raises(MalformedData, match="has no column arch"):
        read_vl_compo(other)


@pytest.mark.skipif(not VL_COMPO.is_file(), reason="no published table beside the checkout")
def test_vl_compos_own_file() -> None:
    figures = read_vl_compo(VL_COMPO)
    rows = list(csv.DictReader(io.StringIO(VL_COMPO.read_text("utf-8"))))
    assert len(rows) == 202
    columns = [
        c
        for c in rows[0]
        if c.partition("::")[0] in (*METRICS, *SUBSETS, "aro", "eqben", "whatsup")
        or (c.startswith("mmvp_vlm") and c.endswith("::image"))
    ]
    assert len(columns) == 4 + 2 * 3 + 2 * 6 + (7 + 3 + 11 + 3) + 7 * 3 + 6 + 9
    assert len(figures) == sum(bool(row[c]) for row in rows for c in columns)
    for task in {each.task for each in figures}:
        assert figures_of(figures, bb.load_task(task).info)
    shipped = {(f.task, f.metric, f.group, f.model.key): f.printed for f in published_figures()
               if f.source.short == "Oh et al. 2024"}  # fmt: skip
    read = {(f.task, f.metric, f.group, f.model.key): f.printed for f in figures}
    assert shipped.items() <= read.items()
