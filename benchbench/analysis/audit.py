"""The audit of a task: what its items give away without images, and what makes them fewer.

Text-only models are evaluated by the task's headline metric. An item is *answered* by a model that
is right on all of its units with ties counted as wrong, and *decided* where no tie rule matters. A
model counts where the lower end of its interval is above chance, and above the score of the more
frequent label where items have labels: a rule and its opposite together
would otherwise answer everything. The filtered subset is the items that no counted model answers
(as AFLite leaves them: Le Bras et al., ICML 2020, with these models in place of trained ones).
Text-only models score 0 there by construction, and models that share their priors below chance:
the subset serves to compare models, and not to compare one with chance.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from benchbench.analysis.audit_card import Audit, BlindScore, CropFlips, Published
from benchbench.analysis.blind_runs import Given, blind_runs
from benchbench.analysis.scorecard import scorecard
from benchbench.data.karpathy import read_training_captions
from benchbench.datasets.tallies import captions_of, tally
from benchbench.editions import DRAWN, resolve_edition
from benchbench.errors import UsageError
from benchbench.evaluation import evaluate
from benchbench.failures import task_items
from benchbench.files import expand_path, parse_json
from benchbench.protocols import load_protocol
from benchbench.protocols.reading import Judge
from benchbench.types import ImageRef, Item

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from benchbench.analysis.blind_runs import BlindRun
    from benchbench.types import Edition, Metric, Model, Progress, Run, Task

CONTEXT = 77
"""CLIP's context length."""
MAX_GROUPS = 20
"""Scores are given by a task's first tag that has no more groups."""
PUBLISHED = "blind_published.json"


def audit(
    task: Task,
    *,
    data_root: str | Path | None = None,
    edition: str | None = None,
    captions: str | Path | None = None,
    blind: Sequence[str] = (),
    model: str | Model | None = None,
    device: str | None = None,
    progress: Progress | None = None,
) -> Audit:
    """Audit a task's edition.

    Args:
        task: the task; its headline metric must be a share of items.
        data_root: the folder of its files, instead of the drawn world.
        edition: as for ``evaluate``.
        captions: a file in Karpathy's format, whose captions the n-gram models are trained on, too.
        blind: further text-only models, as ``blind:hf:gpt2``.
        model: a model that reads images; its answers are compared between crops.
        device: where ``model`` runs.
        progress: called as ``progress(what, done, total)``.

    Raises:
        UsageError: the headline is a rank or an area, or a model of ``blind`` reads images.
        DataError: a file is missing or malformed.
    """
    where = {"data_root": data_root, "edition": edition}
    found = resolve_edition(task.info, data_root, edition, progress, with_images=model is not None)
    _, headline = task.info.shown(found.kind.name)
    _check_headline(task, headline)
    items = task_items(task, found.root)
    path = expand_path(captions) if captions is not None else None
    texts = read_training_captions(path).of_image if path else None
    tag = _tag(task, items)
    crops = _crop_flips(task, items, headline, model, where, device, progress) if model else None
    read = [
        _Judged(each, headline, tag, _majority(items))
        for each in blind_runs(
            task, found.root, where, twins=found.kind == DRAWN, captions=texts,
            captions_name=path.name if path else "", models=blind, progress=progress,
        )
    ]  # fmt: skip
    return _audit(task, found, items, headline, tag, read, crops)


def _check_headline(task: Task, headline: Metric) -> None:
    """Refuse a headline by which no item is right or wrong.

    Raises:
        UsageError: it is a rank, or of all items together (an area).
    """
    pooled = headline.judgement in load_protocol(task.info.protocol).pooled
    if headline.reading != "hit" or pooled:
        kind = "a number of all items together" if pooled else "a rank"
        raise UsageError(
            f"{task.info.name} is read by {headline.name}, {kind}: no item of it is right or "
            "wrong, and there is no audit of it."
        )


def _audit(
    task: Task,
    found: Edition,
    items: Sequence[Any],
    headline: Metric,
    tag: str,
    read: Sequence[_Judged],
    crops: CropFlips | None,
) -> Audit:
    judged: set[str] = set().union(*(each.right for each in read)) if read else set()
    counted = [each for each in read if each.score.counted]
    answered = {name for each in counted for name, right in each.right.items() if right}
    return Audit(
        task=task.info.name,
        title=task.info.title,
        task_version=task.info.version,
        edition=found.name,
        annotations_sha256=found.annotations_sha256,
        metric=headline.name,
        chance=read[0].chance if read else math.nan,
        majority=_majority(items),
        tally=tally(items),
        positions=_positions(items),
        long_captions=count_long({text for item in items for text in captions_of(item)}),
        tag=tag,
        group_sizes=_group_sizes(items, tag, judged),
        models=tuple(sorted((each.score for each in read), key=lambda each: -each.score)),
        judged=len(judged),
        unanswered=tuple(i.id for i in items if counted and i.id in judged - answered),
        crops=crops,
        published=tuple(_published(task.info.name)),
    )


class _Judged:
    """A run, judged item by item by the headline metric."""

    def __init__(self, of: BlindRun, headline: Metric, tag: str, majority: float) -> None:
        card = scorecard(of.run, by=tag or None, ties="wrong")
        row = card.headline
        self.chance = row.chance
        self.right = right_items(of.run, headline)
        tied = tied_items(of.run, headline)
        low = row.estimate.low
        least = row.chance if math.isnan(majority) else max(row.chance, majority)
        self.score = BlindScore(
            model=of.run.model.name,
            training=of.training,
            score=row.estimate.value,
            low=low,
            high=row.estimate.high,
            decided=1 - len(tied) / max(1, len(self.right)),
            answered=sum(self.right.values()),
            counted=(row.estimate.value if math.isnan(low) else low) > least,
            groups={group.name: group.estimate.value for group in sorted_groups(card.groups)},
        )


def sorted_groups(groups: Iterable[Any]) -> list[Any]:
    """Return rows in the order of their names."""
    return sorted(groups, key=lambda row: str(row.name))


def right_items(run: Run, metric: Metric) -> dict[str, bool]:
    """Return for each item that is judged whether all of its units are right, ties wrong."""
    values = _by_item(run, metric, lambda wrong, right: wrong >= 1)
    return {name: all(found) for name, found in values.items()}


def tied_items(run: Run, metric: Metric) -> list[str]:
    """Return the items of which a tie rule decides a unit."""
    values = _by_item(run, metric, lambda wrong, right: wrong != right)
    return [name for name, found in values.items() if any(found)]


def _by_item(run: Run, metric: Metric, what: Callable[[Any, Any], Any]) -> dict[str, list[bool]]:
    """Return a flag of each unit, by item; groups are not left out."""
    each = replace(metric, by=None, leave_out=frozenset(), at_least=1, ties=None)
    judge = Judge(load_protocol(run.protocol), run.outcomes)
    wrong, right = judge.units(each, "wrong"), judge.units(each, "right")
    found: dict[str, list[bool]] = {}
    flags = np.asarray(what(wrong.values, right.values))
    for i, flag in zip(wrong.outcome.tolist(), flags.tolist(), strict=True):
        found.setdefault(run.outcomes[i].id, []).append(bool(flag))
    return found


def _tag(task: Task, items: Sequence[Any]) -> str:
    """Return the task's first tag with at most ``MAX_GROUPS`` groups; "" if there is none.

    Tags of parts of an item (a query's direction) make no groups of items.
    """
    for tag in task.info.tags:
        names = {item.tags.get(tag) for item in items}
        if None not in names and 1 < len(names) <= MAX_GROUPS:
            return tag
    return ""


def _group_sizes(items: Sequence[Any], tag: str, judged: set[str]) -> dict[str, int]:
    """Return how many judged items are in each group; none without a tag."""
    names = (item.tags[tag] for item in items if tag and item.id in judged)
    return dict(sorted(Counter(names).items()))


def _majority(items: Sequence[Any]) -> float:
    """Return the share of the more frequent label among scored items; NaN without labels."""
    labels = [
        label
        for item in items
        if isinstance(label := getattr(item, "label", None), bool)
        and not getattr(item, "validation", False)
    ]
    return max(sum(labels), len(labels) - sum(labels)) / len(labels) if labels else math.nan


def _positions(items: Sequence[Any]) -> dict[str, int]:
    """Return how many items have their true caption at each position, or each label."""
    found: Counter[str] = Counter()
    for item in items:
        if isinstance(item, Item) and len(item.target) == 1:
            found[f"caption {item.target[0] + 1} of {len(item.captions)}"] += 1
        elif isinstance(label := getattr(item, "label", None), bool):
            found["label true" if label else "label false"] += 1
    return dict(sorted(found.items()))


def count_long(captions: Iterable[str]) -> int:
    """Return how many captions have more than CLIP's 77 tokens, its start and end included.

    >>> count_long(["a " * 75, "a " * 76])
    1
    """
    from open_clip.tokenizer import SimpleTokenizer

    tokenizer = SimpleTokenizer()
    long = [text for text in captions if len(text) > CONTEXT - 2]  # a token has a character or more
    return sum(len(tokenizer.encode(text)) + 2 > CONTEXT for text in long)


def _crop_flips(
    task: Task,
    items: Sequence[Any],
    headline: Metric,
    model: str | Model,
    where: Mapping[str, Any],
    device: str | None,
    progress: Progress | None,
) -> CropFlips:
    """Evaluate a model on the images as they are, and on the smallest squares around them."""
    squares = [_with_squares(item) for item in items]
    runs = [
        evaluate(model, Given(task.info, each), **where, device=device, progress=progress)
        for each in (items, squares)
    ]
    right = [right_items(run, headline) for run in runs]
    scores = [scorecard(run).headline.estimate.value for run in runs]
    return CropFlips(
        model=runs[0].model.name,
        items=len(right[0]),
        flipped=sum(right[1].get(name) != flag for name, flag in right[0].items()),
        score=scores[0],
        score_of_squares=scores[1],
    )


def _with_squares(item: Any) -> Any:
    """Return an item whose images are the smallest squares around them, centred.

    A square shows what lies around a crop, and black beyond the image's edge, so that no model's
    centre crop cuts anything.
    """
    refs = tuple(square(ref) for ref in item.images)
    return replace(item, **({"images": refs} if isinstance(item, Item) else {"image": refs[0]}))


def square(ref: ImageRef) -> ImageRef:
    """Return the smallest square around an image or crop.

    Raises:
        ImageError: the image's header cannot be read.
    """
    from benchbench.data.images import read_header

    if ref.box is None:
        header = read_header(ref.path)
        left, top, right, bottom = 0, 0, *header.size
    else:
        left, top, right, bottom = ref.box
    width, height = right - left, bottom - top
    side = max(width, height)
    left, top = left - (side - width) // 2, top - (side - height) // 2
    return ImageRef(ref.path, (left, top, left + side, top + side))


def _published(task: str) -> Iterator[Published]:
    text = (files("benchbench.data") / "lists" / PUBLISHED).read_text("utf-8")
    for record in parse_json(text)["tasks"].get(task, ()):
        yield Published(record["what"], record["source"])
