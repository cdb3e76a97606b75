"""Published pages of the items that flip between two models, with their captions and no images.

A page follows from the runs beside it and from ``flips/NAME.json``, which holds the captions of the
items that it shows: runs have none. Items are drawn by a hash of their ids.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from benchbench.analysis.flips import flips_by_group, require_captions
from benchbench.atomic import atomic_write
from benchbench.data.records import read_record
from benchbench.editions import resolve_edition
from benchbench.errors import RunError, UsageError
from benchbench.failures import task_items
from benchbench.printable import json_text
from benchbench.registry import load_task
from benchbench.render.pages import GENERATED, slug
from benchbench.render.text import escape_markdown, short

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchbench.analysis.flips import Flip, GroupFlips
    from benchbench.data.records import Record
    from benchbench.types import Item, Run

FOLDER = "flips"
EACH = 2
"""Items gained, and items lost, that a page shows of each group."""
GROUPS = 20
"""Groups of which a page shows items, the largest first."""
NAME, CAPTION = 64, 400
"""Characters of a model's name and of a caption."""


def add_flips(
    runs: Mapping[str, Run], task: str, models: tuple[str, str], folder: Path, root: Path
) -> Path:
    """Store the captions of some items that flip between two published models.

    Args:
        runs: the task's published runs, by any key.
        task: the task.
        models: the names of the model to compare with, and of the other.
        folder: the edition's.
        root: the root of the task's annotation files.

    Raises:
        UsageError: a model has no published run of the task, or its items are of another kind.
    """
    a, b = (_named(runs, name, task) for name in models)
    items = {item.id: item for item in task_items(load_task(task), root)}
    chosen = [flip.id for group in _shown(a, b) for flip in group.some(EACH)]
    record = {
        "task": task,
        "models": list(models),
        "captions": {name: _captions(items[name]) for name in chosen},
    }
    path = folder / FOLDER / f"{page_stem(task, models)}.json"
    with atomic_write(path) as temporary:
        temporary.write_text(json_text(record) + "\n", "utf-8")
    return path


def edition_folder(to: Path, task: str, data_root: str | Path | None) -> tuple[Path, Path]:
    """Return the folder of the edition that a data root holds, and the data root.

    Args:
        to: the folder of leaderboards.
        task: the task.
        data_root: as for ``evaluate``; images need not be there.
    """
    info = load_task(task).info
    require_captions(info.name, info.protocol)
    edition = resolve_edition(info, data_root, with_images=False)
    return to / edition.name, edition.root


def page_stem(task: str, models: Sequence[str]) -> str:
    """Return the name of a page, without its ending."""
    return "--".join([task, *map(slug, models)])


def flip_pages(folder: Path, runs: Mapping[str, Mapping[str, Run]]) -> dict[str, str]:
    """Return name → text of every page of flips in an edition's folder.

    Raises:
        RunError: a model has no run any more, or items flip that have no captions in the file.
        MalformedData: a file is not one that ``add_flips`` writes.
    """
    found = {}
    for path in sorted((folder / FOLDER).glob("*.json")):
        record = read_record(path)
        task, models = record.text("task"), record.texts("models")
        of_task = runs.get(task, {})
        there = {run.model.name: run for run in of_task.values()}
        if len(models) != 2 or not set(models) <= set(there):
            raise RunError(
                f"{path} is of {' and '.join(models)}, which are not both published on {task}. "
                "Publish them, or remove the file."
            )
        pair = there[models[0]], there[models[1]]
        found[f"{FOLDER}/{path.stem}.md"] = _page(path, *pair, record.record("captions"))
    return found


def _named(runs: Mapping[str, Run], name: str, task: str) -> Run:
    found = [run for run in runs.values() if run.model.name == name]
    if not found:
        there = ", ".join(sorted(run.model.name for run in runs.values())) or "none"
        raise UsageError(f"{name} has no published run on {task}. Published: {there}.")
    return found[0]


def _shown(a: Run, b: Run) -> Sequence[GroupFlips]:
    return flips_by_group(a, b)[1][:GROUPS]


def _captions(item: Item) -> dict[str, object]:
    """Return what a page shows of an item: the names of its images, and its captions."""
    true = dict.fromkeys(item.captions[column] for column in item.target if column >= 0)
    return {
        "images": [Path(ref.path).name for ref in item.images],
        "true": list(true),
        "false": [caption for caption in item.captions if caption not in true],
    }


def _page(path: Path, a: Run, b: Run, captions: Record) -> str:
    metric, groups = flips_by_group(a, b)
    info = load_task(a.task).info
    gained, lost = (sum(len(x) for x in of) for of in _both(groups))
    total = sum(group.n_items for group in groups)
    lines = [
        f"# {info.name}@{a.edition} · what flips",
        "",
        GENERATED,
        "",
        f"From **{_name(a.model.name)}** to **{_name(b.model.name)}**, by "
        f"{metric.name}: {gained:,} of {total:,} items are gained and {lost:,} are lost. "
        f"[The board](../{info.name}.md).",
        "",
        "| group | items | gained | lost |",
        "|:--|--:|--:|--:|",
        *(
            f"| {_name(g.name) or 'all'} | {g.n_items:,} | {len(g.gained):,} | {len(g.lost):,} |"
            for g in groups
        ),
        "",
        f"Below, up to {EACH} gained and {EACH} lost items of each group, drawn by a hash of their "
        "ids. ✓ is true of the image, ✗ is false; images are named, not shown.",
    ]
    for group in groups[:GROUPS]:
        lines += _group(path, group, captions)
    return "\n".join([*lines, "", f"Captions: {info.paper}. {info.license}.", ""])


def _both(
    groups: Sequence[GroupFlips],
) -> tuple[Iterator[tuple[Flip, ...]], Iterator[tuple[Flip, ...]]]:
    return (group.gained for group in groups), (group.lost for group in groups)


def _group(path: Path, group: GroupFlips, captions: Record) -> Iterator[str]:
    """Yield the lines of a group."""
    flips = group.some(EACH)
    if not flips:
        return
    yield from ("", f"## {escape_markdown(short(group.name, NAME)) or 'All items'}", "")
    for flip in flips:
        if not captions.has(flip.id):
            raise RunError(
                f"{path} has no captions of {flip.id}, which flips now. Store them anew: "
                "benchbench publish --flips TASK A B --data-root DIR."
            )
        item = captions.record(flip.id)
        images = ", ".join(escape_markdown(short(name, NAME)) for name in item.texts("images"))
        yield f"- {'gained' if flip.gained else 'lost'}: {images} ({_name(flip.id)})"
        for sign, field in (("✓", "true"), ("✗", "false")):
            texts = (item.checked_text(field, each) for each in item.values(field))
            yield from (f"  - {sign} {escape_markdown(short(text, CAPTION))}" for text in texts)


def _name(text: str) -> str:
    """Return a name as markdown shows it, shortened."""
    return escape_markdown(short(text, NAME))
