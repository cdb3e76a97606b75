"""A gate that stops early: source images in random order, until the verdict is certain enough.

The candidate is evaluated on source images in the order of a seed; after each portion, the
difference to the baseline on *these* items is held against the margin by an anytime-valid test
(``stats.sequential``). The verdict is that of the whole set with probability 1 − α, however many
portions were tested. An image with more than twice as many items as most is split: a bet is only as
large as the largest part allows, and the order alone is drawn at random. Below ten source images
the verdict is inconclusive, as elsewhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchbench.analysis import Result
from benchbench.analysis.gate import check_comparable
from benchbench.analysis.gate_rules import check_rule
from benchbench.analysis.paired import pair_runs
from benchbench.analysis.reliability import is_few
from benchbench.errors import NotComparable, UsageError
from benchbench.evaluation import evaluate
from benchbench.failures import task_items
from benchbench.protocols import load_protocol
from benchbench.registry import load_task
from benchbench.stats.sequential import sequential_test
from benchbench.subsets import shuffle

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchbench.analysis.gate import Verdict
    from benchbench.analysis.gate_rules import Rule
    from benchbench.analysis.paired import PairedScores
    from benchbench.stats.sequential import SequentialTest
    from benchbench.types import Metric, Model, Run, Task, TaskInfo, Ties

MAX_PORTIONS = 20
"""The largest number of portions: each restarts the evaluation."""


@dataclass(frozen=True, slots=True)
class EarlyGate(Result):
    """The verdict of a gate that stops early, and the items that it rests on."""

    rule: Rule
    metric: str
    candidate: Run
    """The run of the last portion."""
    baseline: Run
    verdict: Verdict
    difference: float
    """candidate − baseline, on the items that were evaluated."""
    lost: int
    """Evaluated items that the baseline alone has right."""
    gained: int
    n_items: int
    """Items that were evaluated."""
    of_items: int
    n_clusters: int
    """Source images that were evaluated."""

    @property
    def share(self) -> float:
        """The share of the items that was evaluated."""
        return self.n_items / self.of_items

    @property
    def has_few_images(self) -> bool:
        """Whether the source images are too few to decide anything."""
        return is_few(self.n_clusters)


@dataclass(frozen=True, slots=True)
class TaskSubset:
    """A task with some of its items."""

    task: Task
    ids: frozenset[str]

    @property
    def info(self) -> TaskInfo:
        """The information of the whole task."""
        return self.task.info

    def items(self, root: Path) -> Sequence[Any]:
        """Return the items of this part."""
        return [item for item in task_items(self.task, root) if item.id in self.ids]


def gate_early(
    model: Model, baseline: Run, rule: Rule, *, seed: int = 0, ties: Ties = "wrong", **how: Any
) -> EarlyGate:
    """Hold a model against a baseline's run, and stop as soon as the verdict is certain enough.

    Args:
        model: the candidate, loaded.
        baseline: a run of all items.
        rule: a margin on one metric that is a plain mean over items.
        seed: the seed of the order of source images.
        ties: the rule, where the metric fixes none.
        how: passed to ``evaluate``: data_root, edition, batch_size, progress.

    Raises:
        UsageError: a metric for which this is not valid, and why; a margin that is not a share.
        NotComparable: the model runs on other items or under other conditions.
    """
    pairing = pair_runs([baseline])
    metric = pairing.metric(rule.metric)
    check_rule(rule, metric)
    check_linear(rule, metric, baseline)
    old = _scores_by_item(pairing.scores(metric, ties=ties))
    clusters = _shuffle_items(baseline, old, seed)
    sizes = np.array([len(ids) for ids in clusters], dtype=np.float64)
    old_sums = np.array([sum(old[i] for i in ids) for ids in clusters])
    bounds = rule.margin * sizes - old_sums, (rule.margin + 1) * sizes - old_sums
    task, values, apart = load_task(baseline.task), np.zeros(0), np.zeros(0)
    image_of, seen = {o.id: o.cluster for o in baseline.outcomes}, set[str]()
    for part in np.array_split(np.arange(len(clusters)), min(MAX_PORTIONS, len(clusters))):
        chosen = [clusters[k] for k in part]
        run = evaluate(model, TaskSubset(task, frozenset(i for ids in chosen for i in ids)), **how)
        _check_same(run, baseline)
        new = _scores_by_item(pair_runs([run]).scores(metric, ties=ties))
        if set(new) != {i for ids in chosen for i in ids}:
            raise NotComparable(
                f"The data of {baseline.task} lack items of the baseline: name the same files with "
                "--data-root."
            )
        sums = np.array([sum(new[i] - old[i] for i in ids) for ids in chosen])
        apart = np.concatenate([apart, [new[i] - old[i] for ids in chosen for i in ids]])
        values = np.concatenate([values, sums + rule.margin * sizes[part]])
        seen |= {image_of[i] for ids in chosen for i in ids}
        found = sequential_test(values, 0.0, *bounds, known=old_sums, alpha=rule.alpha)
        verdict = "inconclusive" if is_few(len(seen)) else _verdict(found)
        if verdict != "inconclusive":
            break
    if len(values) == len(clusters) and verdict == "inconclusive" and not is_few(len(seen)):
        # All items are evaluated: their difference is known, whatever the order was.
        verdict = "pass" if float(values.sum()) >= -1e-9 else "fail"
    return EarlyGate(
        rule=rule,
        metric=metric.name,
        candidate=run,
        baseline=baseline,
        verdict=verdict,
        difference=float(apart.mean()),
        lost=int((apart < 0).sum()),
        gained=int((apart > 0).sum()),
        n_items=len(apart),
        of_items=int(sizes.sum()),
        n_clusters=len(seen),
    )


def check_linear(rule: Rule, metric: Metric, baseline: Run) -> None:
    """Refuse a rule that part of the items cannot decide.

    Raises:
        UsageError: a mean over groups, a median, a floor, or a protocol whose items depend on each
            other.
    """
    why = ""
    if metric.statistic != "mean" or metric.by is not None or metric.reading == "rank":
        why = "it is not a plain mean over items, in which all items weigh the same"
    elif load_protocol(baseline.protocol).sample_note:
        why = "its items are searched together, so that part of them is another task"
    elif rule.floor is not None or rule.by is not None:
        why = "that needs a margin on the whole"
    if why:
        raise UsageError(f"{baseline.task} {metric.name} cannot stop early: {why}.")


def _verdict(found: SequentialTest) -> Verdict:
    """Return the verdict of a test; ``above`` is 0 if no candidate could fail the margin."""
    if found.above is not None:
        return "pass"
    return "inconclusive" if found.below is None else "fail"


def _scores_by_item(scores: PairedScores) -> dict[str, float]:
    """Return item → score, of one run."""
    outcomes = scores.runs[0].outcomes
    ids = [outcomes[k].id for k in scores.outcome]
    return dict(zip(ids, scores.values[:, 0].tolist(), strict=True))


def _shuffle_items(run: Run, judged: dict[str, float], seed: int) -> list[list[str]]:
    """Return the items of each cluster, large ones split, in an order drawn by the seed."""
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
    return [parts[name] for name in shuffle(parts, seed)]


def _check_same(run: Run, baseline: Run) -> None:
    for what, one, other in (
        ("edition", run.edition, baseline.edition),
        ("version of the task", run.task_version, baseline.task_version),
    ):
        if one != other:
            raise NotComparable(
                f"These runs do not compare:\n  - {what}: {one} of the candidate, {other} of the "
                "baseline"
            )
    check_comparable(run, baseline)
