"""The items of one evaluation: chosen from a task's edition, with their image files surveyed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from benchbench.data.images import Survey, survey
from benchbench.editions import resolve_edition
from benchbench.errors import ContractError, DataError, ImageError, MalformedData
from benchbench.failures import task_items
from benchbench.protocols import load_protocol
from benchbench.subsets import draw_clusters
from benchbench.types import Item

if TYPE_CHECKING:
    from collections.abc import Container, Sequence
    from pathlib import Path

    from benchbench.data.image_facts import ImageFacts
    from benchbench.protocols.protocol import Protocol
    from benchbench.types import Edition, OnMissing, Progress, Question, Task

    AnyQuestion = TypeVar("AnyQuestion", bound=Question)

ADVICE = "Fix the file, or skip and count its items: --on-missing skip"


@dataclass(frozen=True, slots=True)
class ItemSet:
    """The items of one evaluation, and where they come from."""

    edition: Edition
    protocol: Protocol
    in_edition: int
    """The number of items of the whole edition."""
    items: Sequence[Any]
    """The chosen items."""
    usable: Sequence[Any]
    """Those whose image files have valid headers."""
    surveyed: Survey


def choose_items(
    task: Task,
    *,
    data_root: str | Path | None,
    edition: str | None,
    limit: int | None,
    seed: int,
    on_missing: OnMissing,
    progress: Progress | None = None,
    with_images: bool = True,
    facts: ImageFacts | None = None,
) -> ItemSet:
    """Return a task's items; ``evaluate`` describes the arguments.

    Args:
        facts: what is known of image files already; takes what is read of others.

    Raises:
        MissingData: the edition lacks a file.
        MalformedData: there is no item.
        ImageError: an image file or a crop is not valid.
    """
    resolved = resolve_edition(task.info, data_root, edition, progress, with_images=with_images)
    every = _all_items(task, resolved.root)
    items = draw_clusters(every, limit, seed)
    protocol = load_protocol(task.info.protocol)
    shown = (ref for item in items for ref in protocol.regions(item) if with_images)
    surveyed = survey(shown, facts=facts)
    usable = _readable_items(items, protocol, surveyed, on_missing)
    return ItemSet(resolved, protocol, len(every), items, usable, surveyed)


def _all_items(task: Task, root: Path) -> Sequence[Any]:
    """Return a task's items.

    Raises:
        MalformedData: there are none, or two have one id.
        ContractError: a name or a caption is not a text, or there is nothing to choose from.
        ModelError: the task's own code raises.
    """
    name = task.info.name
    found = task_items(task, root)
    if not found:
        raise MalformedData(f"{name} finds no item under {root}: empty files?")
    seen: set[str] = set()
    for item in found:
        if wrong := unsound(item) or _nothing_to_choose(item):
            raise ContractError(
                f"{name} breaks the contract of tasks: {wrong}. See all that is wrong: benchbench "
                f"check task {name}"
            )
        if item.id in seen:
            raise MalformedData(
                f"Two items of {name} have the id {item.id!r}: a record is in its files twice, or "
                f"the task itself repeats ids (benchbench check task {name})."
            )
        seen.add(item.id)
    return found


def unsound(item: Question) -> str:
    """Return what no run could hold; an empty string where an item is sound."""
    if lacking := [name for name in ("id", "cluster", "tags") if not hasattr(item, name)]:
        kind = type(item).__name__
        return f"an item is of class {kind} and lacks {', '.join(lacking)}: give a benchbench.Item"
    for what, text in (("id", item.id), ("cluster", item.cluster), *item.tags.items()):
        try:
            text.encode()
        except (AttributeError, UnicodeEncodeError):
            return f"item {item.id!r} has {text!r} as its {what}, which is not a text in Unicode"
    for text in getattr(item, "captions", ()):
        if not (isinstance(text, str) and (text.isascii() or _is_unicode(text))):
            return f"item {item.id!r} has the caption {text!r}, which is not a text in Unicode"
    return ""


def _nothing_to_choose(item: Question) -> str:
    """Return that an item has no second image or caption; an empty string where it has one."""
    if isinstance(item, Item) and len(item.images) < 2 and len(item.captions) < 2:
        return f"item {item.id!r} has one caption for one image, and so nothing to choose from"
    return ""


def _is_unicode(text: str) -> bool:
    """Return whether a text has no half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _readable_items(
    items: Sequence[AnyQuestion], protocol: Protocol, surveyed: Survey, on_missing: OnMissing
) -> list[AnyQuestion]:
    """Return the items whose images have valid headers.

    Raises:
        ImageError: an image has not, and ``on_missing`` is "error"; or a crop is not valid.
    """
    for item in items if surveyed.wrong else ():
        for ref in protocol.regions(item):
            if ref in surveyed.wrong:
                raise ImageError(
                    f"Item {item.id}: the crop {ref.box} (left, top, right, bottom) of {ref.path} "
                    f"{surveyed.wrong[ref]}."
                )
    bad = surveyed.unreadable
    if bad and on_missing == "error":
        path, error = next(iter(bad.items()))
        hit = [item for item in items if not _is_readable(item, bad)]
        first = next(item for item in hit if any(ref.path == path for ref in item.images))
        raise ImageError(
            f"{error} (item {first.id}). Images that cannot be read: {len(bad):,}; items that "
            f"show them: {len(hit):,}. {ADVICE}"
        )
    kept = [item for item in items if not bad or _is_readable(item, bad)]
    if not kept:
        raise DataError("No item is left: not one image could be read.")
    return kept


def _is_readable(item: Question, unreadable: Container[Path]) -> bool:
    return all(ref.path not in unreadable for ref in item.images)
