"""Runs of several models on the same made-up items."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from benchbench.registry import load_task
from benchbench.types import Claimed, Counts, MatchingOutcome, ModelManifest, Run

if TYPE_CHECKING:
    from collections.abc import Mapping

RELATIONS = ("on", "riding", "holding")
EDITION = "custom-made-00000000"


def manifest(name: str, *, sees: bool = True, trained: bool = True) -> ModelManifest:
    return ModelManifest(
        name=name,
        architecture="made",
        weights="made",
        weights_sha256="0" * 64,
        trained=trained,
        activation="gelu",
        preprocessing={"size": 64} if sees else {},
        tokenizer="none",
        context_length=77,
        dtype="fp32",
        parameters=2_500_000,
        similarity="cosine",
    )


def made(name: str, accuracy: float, *, n: int = 360, per_image: int = 3, sees: bool = True) -> Run:
    """A VG-Relation run in which what is hard for one model is hard for all."""
    rng = np.random.default_rng(7)
    hardness = rng.uniform(size=n) * 0.8
    own = np.random.default_rng(sum(map(ord, name))).uniform(size=n) * 0.2
    outcomes = tuple(
        MatchingOutcome(
            id=str(i),
            cluster=f"{i // per_image}.jpg",
            tags={"relation": RELATIONS[i % len(RELATIONS)]},
            target=(0,),
            scores=np.array([[1.0 if hardness[i] + own[i] < accuracy else -1.0, 0.0]], np.float32),
            no_op=(False, False),
        )
        for i in range(n)
    )
    images = len({o.cluster for o in outcomes})
    return Run(
        model=manifest(name, sees=sees),
        task="vg-relation",
        task_version=1,
        protocol="matching",
        edition=EDITION,
        data_sha256="0" * 64,
        settings={"limit": None, "seed": 0},
        environment={},
        counts=Counts(n, n, 0, images, n, 2 * n, images, 0, 0),
        skipped=(),
        unreadable={},
        created="2000-01-01T00:00:00+00:00",
        seconds=1.0,
        outcomes=outcomes,
    )


def verified(name: str, n: int = 60) -> Run:
    """A run of SVO-Probes' decisions, read by the area under the ROC curve; two items an image."""
    info = load_task("svo-probes.decisions").info
    scores = np.random.default_rng(sum(map(ord, name))).normal(size=n)
    outcomes = tuple(
        Claimed(str(i), f"{i // 2}.jpg", {"kind": "verb"}, i % 2 == 0, False, float(score), None)
        for i, score in enumerate(scores)
    )
    return changed(
        made(name, 0.5), task=info.name, task_version=info.version, protocol=info.protocol,
        outcomes=outcomes,
    )  # fmt: skip


def changed(run: Run, **fields: object) -> Run:
    """A run with other fields."""
    return dataclasses.replace(run, **fields)  # type: ignore[arg-type]


def accuracy(run: Run) -> Mapping[str, float]:
    """By relation, as a plain loop has it."""
    right: dict[str, list[float]] = {}
    for outcome in run.outcomes:
        right.setdefault(outcome.tags["relation"], []).append(float(outcome.scores[0, 0] > 0))
    return {name: sum(of) / len(of) for name, of in right.items()}
