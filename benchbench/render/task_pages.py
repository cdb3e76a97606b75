"""The page of all tasks, docs/tasks.md, from their cards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.editions import KINDS, PHOTOGRAPHS, drawn_part

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchbench.types import DataFile, TaskInfo

COMMAND = "benchbench list tasks --markdown > docs/tasks.md"
INTRODUCTION = """\
Each task reads its publication's own files from a data root, `--data-root DIR`. `benchbench data
where TASK` lists them and says what is missing, and `benchbench show task TASK` prints the card.
Tasks that the drawn world serves need no files. A suite is several tasks under one name:
`benchbench eval --model MODEL --task suite:aro`. Where official files are not known by digest, a
card says so, and the edition of its runs is called `custom-…`."""


def short_licence(info: TaskInfo) -> str:
    """Return the licence of a task's annotations, without that of its images."""
    return info.license.partition(";")[0].partition(" (")[0]


def tasks_page(cards: Sequence[Sequence[TaskInfo]], suites: Mapping[str, Sequence[str]]) -> str:
    """Return the page in markdown.

    Args:
        cards: for each task, its card and those of its variants.
        suites: suite → its tasks.
    """
    parts = [
        "# Tasks",
        f"<!-- Generated from the tasks' cards: {COMMAND} -->",
        INTRODUCTION,
        "\n".join(_table([each[0] for each in cards])),
        "## Suites",
        "\n".join(_suites(suites)),
        *("\n\n".join(_section(*each)) for each in cards),
    ]
    return "\n\n".join(parts) + "\n"


def _table(infos: Sequence[TaskInfo]) -> Iterator[str]:
    yield "| task | what | size | headline | drawn | licence |"
    yield "|---|---|---|---|---|---|"
    for info in infos:
        drawn = "yes" if drawn_part(info) else "–"
        headline = info.headlines.get(PHOTOGRAPHS.name, info.headline)
        link = f"[`{info.name}`](#{info.name})"
        cells = [link, info.title, info.size or "–", headline, drawn, short_licence(info)]
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _suites(suites: Mapping[str, Sequence[str]]) -> Iterator[str]:
    yield "| suite | tasks |"
    yield "|---|---|"
    for name, tasks in suites.items():
        if name != "all":
            yield f"| `suite:{name}` | {', '.join(f'`{task}`' for task in tasks)} |"
    yield "| `suite:all`, `all` | every task, in its first variant |"


def _section(info: TaskInfo, *variants: TaskInfo) -> Iterator[str]:
    yield f"## {info.name}"
    yield f"{info.title}. {info.measures}"
    yield "\n".join(f"- {line}" for line in (*_metrics(info), *info.quirks))
    if variants:
        yield "\n".join(f"- `{each.name}`: {each.title}, by {_starred(each)}" for each in variants)
    yield "\n".join(_files(info))
    editions = ", ".join(f"`{name}`" for name in info.official) or "none is known by digest"
    yield f"Official editions: {editions}. Licence: {info.license}. Paper: {info.paper}."


def _metrics(info: TaskInfo) -> Iterator[str]:
    """Yield a line for each definition, with the names of its metrics."""
    names: dict[str, list[str]] = {}
    for metric in info.metrics:
        what = f"{metric.statistic} over {metric.meaning}"
        if metric.source:
            what += f". {metric.source}"
        names.setdefault(what, []).append(f"`{metric.name}`")
    for what, each in names.items():
        yield f"{', '.join(each)}: {what}"


def _starred(info: TaskInfo) -> str:
    headlines = [info.headlines.get(kind.name, info.headline) for kind in KINDS]
    return " or ".join(f"`{name}`" for name in dict.fromkeys(headlines))


def _files(info: TaskInfo) -> Iterator[str]:
    """Yield a line for each kind of file: files of one source stand together."""
    of_source: dict[tuple[str, bool], list[DataFile]] = {}
    for file in info.files:
        of_source.setdefault((file.source, file.path.endswith("/")), []).append(file)
    for (source, _), files in of_source.items():
        more = f" and {len(files) - 1} more" if len(files) > 1 else ""
        what = f": {files[0].what}" if len(files) == 1 else ""
        yield f"- `{files[0].path}`{more}{what}. {source}"
