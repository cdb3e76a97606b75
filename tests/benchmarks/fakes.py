"""Members that were hardly trained, and runs of members that were never trained at all."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import torch

from benchbench.training import Plan, train
from benchbench.training.validation.sets import VALIDATION_SETS
from benchbench.variants import weights
from benchmarks.claims import Claim, Claims
from benchmarks.curves import Curve, RunCurves
from benchmarks.family_runs import score_of
from benchmarks.intake import with_budgets, with_curves
from benchmarks.outcomes import Outcomes, RunOutcome, TaskOutcome, claim_outcome
from benchmarks.variants_tables import Results
from benchmarks.verdicts import judge_claims
from tests.analysis.example_runs import made

if TYPE_CHECKING:
    from pathlib import Path

    from benchbench.types import Run
    from benchmarks.verdicts import ClaimResult

BEST = "best.safetensors"
LEVEL = 0.025
TASK, ON = "vg-relation", "a machine, fp32"
SCORES = {
    "clip": (0.45, 0.50, 0.48),
    "negclip": (0.56, 0.60, 0.55),
    "structclip": (0.80, 0.86, 0.83),
}
"""Accuracies by seed."""


class Quick:
    """A validation set that takes no time."""

    def metrics(self, model: Any, reader: Any, device: str) -> dict[str, float]:
        return {"relation": 55.0, "attribute": 60.0, "mean": 57.5}


def write_members(out: Path, names: tuple[str, ...], seeds: int) -> Path:
    """Put runs as from another machine under ``out``: two steps of training, and noise by seed."""
    for name in names:
        folder = name.replace(":", "-")
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(VALIDATION_SETS, "structure", lambda transform: Quick())
            plan = Plan(name, steps=2, batch=4, warmup=1, validate_every=1)
            train(plan, out / "made" / folder, device="cpu", workers=0)
        tensors, record = weights.read(out / "made" / folder / BEST)
        for seed in range(seeds):
            start = f"/elsewhere/runs/{seed}/captioner-locked/{BEST}"
            plan_then = record["plan"] | {"seed": seed, "backbone": start}
            run = out / f"{seed}" / folder
            weights.write(run / BEST, _noisy(tensors, seed), record | {"plan": plan_then})
            write_log(run, last=50 + 8 * len(name) + seed)
    return out


def _noisy(tensors: dict[str, torch.Tensor], seed: int) -> dict[str, torch.Tensor]:
    draw = torch.Generator().manual_seed(seed)
    return {
        name: each + 0.02 * each.std() * torch.randn(each.shape, generator=draw)
        if each.ndim > 1 and each.is_floating_point()
        else each
        for name, each in tensors.items()
    }


def write_log(run: Path, last: float) -> None:
    """Write a log with four looks that rise to ``last``."""
    marks = [last - 3, last - 2, last - 1, last]
    lines = [
        json.dumps({"step": step, "val_relation": mark, "val_mean": mark})
        for step, mark in zip((1, 10, 100, 1000), marks, strict=True)
    ]
    run.mkdir(parents=True, exist_ok=True)
    (run / "log.jsonl").write_text("\n".join(lines) + "\n", "utf-8")


def claim(better: str, worse: str, **fields: Any) -> Claim:
    """A confirmatory claim on vg-relation, but for what is said otherwise."""
    known = {
        "name": f"{better} over {worse}", "sentence": f"{better} reads better than {worse}",
        "better": better, "worse": worse, "task": "vg-relation", "metric": None,
        "kind": "superior", "margin": 0.0, "family": "confirmatory",
    }  # fmt: skip
    return Claim(**(known | fields))


def runs_of(seeds: int) -> dict[tuple[int, str, str], Run]:
    """Runs of the made-up members by seed, model and task."""
    return {
        (seed, name, "vg-relation"): made(f"{name}, seed {seed}", accuracies[seed])
        for name, accuracies in SCORES.items()
        for seed in range(seeds)
    }


CLAIMS = Claims(
    LEVEL,
    (
        claim("structclip", "clip"),
        claim("structclip", "clip", name="by 60 points", margin=60.0),
        claim("negclip", "clip"),
        claim("negclip", "structclip", name="kept", kind="kept", margin=2.0),
        claim("msgclip", "negclip"),
        claim("structclip", "negclip", kind="estimate", family="exploratory", name="how far"),
        claim("structclip", "structclip:bag", kind="estimate", family="exploratory"),
    ),
    repaired=("A thing that was wrong.",),
    unknown=("A thing that nobody knows.",),
    limits=("Nothing about photographs is claimed.",),
)


def _trained(found: ClaimResult) -> ClaimResult:
    """Return a claim whose models were all trained on one machine."""
    pairs = {seed: replace(pair, better_on=ON, worse_on=ON) for seed, pair in found.pairs.items()}
    return replace(found, pairs=pairs)


def results_of(seeds: int) -> Results:
    """All that a page of the made-up members tells."""
    runs = runs_of(seeds)
    validations = (50_000, 100_000, 1_000_000, 3_072_000)
    curves = [
        RunCurves(
            name, seed,
            {"relation": Curve(validations, (50.0, 55.0, 60.0 + seed, 100 * accuracies[seed]))},
            2e8 * (1 + k), 6000, 512, "facts", ON,
        )
        for k, (name, accuracies) in enumerate(SCORES.items())
        for seed in range(seeds)
    ]  # fmt: skip
    found = [_trained(each) for each in judge_claims(CLAIMS, runs)]
    outcomes = [
        RunOutcome(
            each.member, each.seed, ON, each.start, each.steps, each.batch, 0, each.flops / 1e6,
            scores={"vg-relation": 100 * score_of(runs[each.seed, each.member, TASK]).value},
        )
        for each in curves
    ]  # fmt: skip
    record = Outcomes(
        ("A note.",),
        (TaskOutcome(TASK, "custom-made", "aro-paper", 360, 120),),
        tuple(outcomes),
        tuple(claim_outcome(each) for each in found if each.n),
        with_curves((), curves),
        with_budgets((), curves, CLAIMS),
    )
    return Results(CLAIMS, found, record)
