"""A gate that stops early: clusters in random order, until the answer is sure.

The candidate is evaluated on source images in the order of a seed; after each portion, the
difference to the baseline on *these* items is held against the margin by an anytime-valid test
(``stats.sequential``). What is claimed is what the whole set would show, with probability 1 − α,
however often one looked. An image with more than twice as many items as most is taken in parts: a
bet is only as large as the largest part allows, and what is drawn at random here is the order.
Below ten source images nothing is said, as elsewhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchbench.analysis.gate import Verdict, check_comparable, check_rule
from benchbench.analysis.paired import circumstances, metric_of, side_by_side
from benchbench.analysis.reliability import is_few, too_few
from benchbench.errors import NotComparable, UsageError
from benchbench.evaluation import evaluate, shuffled
from benchbench.printable import sentence
from benchbench.protocols import load_protocol
from benchbench.registry import load_task
from benchbench.render.gate import WORDS
from benchbench.render.scorecard import banners, wrapped
from benchbench.stats.sequential import stop

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchbench.analysis.gate import Rule
    from benchbench.stats.sequential import Stopped
    from benchbench.types import Metric, Model, Run, Task, TaskInfo, Ties

PORTIONS = 20
"""At most so many looks: each costs a start of the engine."""


@dataclass(frozen=True, slots=True)
class Early:
    """What an early look came to."""

    rule: Rule
    metric: str
    candidate: str
    baseline: str
    edition: str
    verdict: Verdict
    difference: float
    """candidate − baseline, on the items that were looked at."""
    lost: int
    """Of these, what the baseline alone has right."""
    gained: int
    n_items: int
    """Looked at."""
    of_items: int
    n_clusters: int
    """Source images looked at."""
    warnings: tuple[str, ...] = ()
    """What must be read before any number."""

    @property
    def share(self) -> float:
        """Of the items that were needed."""
        return self.n_items / self.of_items

    @property
    def few(self) -> bool:
        """Whether the source images are too few to decide anything."""
        return is_few(self.n_clusters)

    def __str__(self) -> str:
        """As a terminal shows it."""
        first = "".join(f"{wrapped(line)}\n\n" for line in self.warnings)
        check = (
            f"{WORDS[self.verdict]:13}{self.rule.task}@{self.edition} {self.metric}: "
            f"{100 * self.difference:+.1f} on {self.n_items:,} of {self.of_items:,} items "
            f"({100 * self.share:.0f} %), margin {100 * self.rule.margin:g}, α "
            f"{self.rule.alpha:g} at any time, {self.lost:,} lost, {self.gained:,} gained"
            f"{f'; {too_few(self.n_clusters)}' if self.few else ''}"
        )
        names = [f"candidate  {self.candidate}", f"baseline   {self.baseline}"]
        both = "\n".join(map(sentence, names))
        return f"{both}\n\n{first}{wrapped(sentence(check))}\n\ngate  {WORDS[self.verdict]}"


@dataclass(frozen=True, slots=True)
class Part:
    """A task with some of its items."""

    task: Task
    ids: frozenset[str]

    @property
    def info(self) -> TaskInfo:
        """The task's own."""
        return self.task.info

    def items(self, root: Path) -> Sequence[Any]:
        """Those that were chosen."""
        return [item for item in self.task.items(root) if item.id in self.ids]


def gate_early(
    model: Model, baseline: Run, rule: Rule, *, seed: int = 0, ties: Ties = "wrong", **how: Any
) -> Early:
    """Hold a model against a baseline's run, and stop as soon as the answer is sure.

    Args:
        model: the candidate, loaded.
        baseline: a run of all items.
        rule: a margin on one metric that is a plain mean over items.
        seed: of the order of source images.
        ties: the rule, where the metric fixes none.
        how: passed to ``evaluate``: data_root, edition, batch_size, progress.

    Raises:
        UsageError: a metric for which this is not valid, and why; a margin that is no share.
        NotComparable: the model runs on other items or under other conditions.
    """
    metric = metric_of(baseline, rule.metric)
    check_rule(rule, metric)
    check_linear(rule, metric, baseline)
    old = _by_item(baseline, metric, ties)
    clusters = _in_order(baseline, old, seed)
    sizes = np.array([len(ids) for ids in clusters], dtype=np.float64)
    earned = np.array([sum(old[i] for i in ids) for ids in clusters])
    bounds = rule.margin * sizes - earned, (rule.margin + 1) * sizes - earned
    task, values, apart = load_task(baseline.task), np.zeros(0), np.zeros(0)
    image_of, seen = {o.id: o.cluster for o in baseline.outcomes}, set[str]()
    for part in np.array_split(np.arange(len(clusters)), min(PORTIONS, len(clusters))):
        chosen = [clusters[k] for k in part]
        run = evaluate(model, Part(task, frozenset(i for ids in chosen for i in ids)), **how)
        _check_same(run, baseline)
        new = _by_item(run, metric, ties)
        if set(new) != {i for ids in chosen for i in ids}:
            raise NotComparable(f"The baseline's items of {baseline.task} are not all there.")
        sums = np.array([sum(new[i] - old[i] for i in ids) for ids in chosen])
        apart = np.concatenate([apart, [new[i] - old[i] for ids in chosen for i in ids]])
        values = np.concatenate([values, sums + rule.margin * sizes[part]])
        seen |= {image_of[i] for ids in chosen for i in ids}
        found = stop(values, 0.0, *bounds, known=earned, alpha=rule.alpha)
        verdict = "inconclusive" if is_few(len(seen)) else _verdict(found)
        if verdict != "inconclusive":
            break
    if len(values) == len(clusters) and verdict == "inconclusive" and not is_few(len(seen)):
        # All items are seen: the difference over them is known, and nothing is left to chance.
        verdict = "pass" if float(values.sum()) >= -1e-9 else "fail"
    return Early(
        rule=rule,
        metric=metric.name,
        candidate=run.model.name,
        baseline=baseline.model.name,
        edition=baseline.edition,
        verdict=verdict,
        difference=float(apart.mean()),
        lost=int((apart < 0).sum()),
        gained=int((apart > 0).sum()),
        n_items=len(apart),
        of_items=int(sizes.sum()),
        n_clusters=len(seen),
        warnings=tuple(
            dict.fromkeys([*banners(run), *banners(baseline), *circumstances([baseline, run])])
        ),
    )


def check_linear(rule: Rule, metric: Metric, baseline: Run) -> None:
    """Refuse what a part of the items says nothing valid about.

    Raises:
        UsageError: a mean over groups, a median, a floor, or a protocol whose items depend on each
            other.
    """
    why = ""
    if metric.statistic != "mean" or metric.by is not None or metric.reading == "rank":
        why = "it is no plain mean over items, to which each item adds the same"
    elif load_protocol(baseline.protocol).of_a_sample:
        why = "its items are searched together, so that a part of them is another question"
    elif rule.floor is not None or rule.by is not None:
        why = "it is offered for a margin on the whole"
    if why:
        raise UsageError(f"{baseline.task} {metric.name} cannot stop early: {why}.")


def _verdict(found: Stopped) -> Verdict:
    """None is never; 0 is a margin that no candidate could miss."""
    if found.above is not None:
        return "pass"
    return "inconclusive" if found.below is None else "fail"


def _by_item(run: Run, metric: Metric, ties: Ties) -> dict[str, float]:
    """Item → what it earns."""
    beside = side_by_side([run], metric, ties=ties)
    ids = [run.outcomes[k].id for k in beside.outcome]
    return dict(zip(ids, beside.values[:, 0].tolist(), strict=True))


def _in_order(run: Run, judged: dict[str, float], seed: int) -> list[list[str]]:
    """The items of each cluster, large ones in parts, in the order of a hash of seed and name."""
    of: dict[str, list[str]] = {}
    for outcome in run.outcomes:
        if outcome.id in judged:
            of.setdefault(outcome.cluster, []).append(outcome.id)
    most = 2 * math.ceil(float(np.median([len(ids) for ids in of.values()])))
    parts = {
        f"{name}\0{at}" if at else name: ids[at : at + most]
        for name, ids in of.items()
        for at in range(0, len(ids), most)
    }
    return [parts[name] for name in shuffled(parts, seed)]


def _check_same(run: Run, baseline: Run) -> None:
    for said, one, other in (
        ("edition", run.edition, baseline.edition),
        ("version of the task", run.task_version, baseline.task_version),
    ):
        if one != other:
            raise NotComparable(
                f"These runs do not compare:\n  - {said}: {one} of the candidate, {other} of the "
                "baseline"
            )
    check_comparable(run, baseline)
