"""Bundle the weights of a trained run, and write their card."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from benchbench.devices import processor_of
from benchbench.training.log import read_log
from benchbench.training.loop import BEST
from benchbench.training.plan import Plan
from benchbench.training.validation.sets import OUTSIDE_MEAN
from benchbench.variants import weights
from benchbench.variants.catalogue import variant, variants

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_BYTES = {"scenarioclip": 15_000_000, "structclip": 8_000_000}
"""The largest size of bundled files in bytes; all others may have 6 MB."""


def bundle(
    run: Path,
    folder: Path,
    notes: Sequence[str] = (),
    results: Sequence[str] = (),
    *,
    base: Path | None = None,
) -> Path:
    """Write a run's best checkpoint in float16, and its card.

    Args:
        run: the folder that ``train`` filled.
        folder: where both go: ``NAME.safetensors`` and ``NAME.md``.
        notes: what must be said wherever its numbers are shown.
        results: lines for the card.
        base: the checkpoint that it was trained from, where that is not at the place that the run
            remembers, as of one made on another machine.

    Returns:
        The weights' file.

    Raises:
        WeightsUnavailable: the run has no checkpoint yet.
    """
    tensors, record = weights.read(run / BEST)
    if variant(record["variant"]).start:
        tensors = {name: t for name, t in tensors.items() if name.startswith(weights.TOWERS)}
    half = {name: each.to(torch.float16) if each.is_floating_point() else each
            for name, each in tensors.items()}  # fmt: skip
    record = with_base(record, base)
    shipped = record | ({"note": " ".join(notes)} if notes else {})
    name = record["variant"].replace(":", "-")
    path = weights.write(folder / f"{name}{weights.SUFFIX}", weights.tower_weights(half), shipped)
    (folder / f"{name}.md").write_text(card(record, read_log(run), notes, results), "utf-8")
    return path


def devices_of(record: Mapping[str, Any]) -> str:
    """Return the devices that trained a checkpoint, in their order, by its record."""
    return ", then ".join(record.get("devices") or [processor_of(record["environment"])])


def card(
    record: Mapping[str, Any],
    log: Sequence[Mapping[str, Any]],
    notes: Sequence[str] = (),
    results: Sequence[str] = (),
) -> str:
    """Return a checkpoint's card, in markdown."""
    plan, environment = record["plan"], record["environment"]
    described = variant(record["variant"])
    device = devices_of(record)
    samples = record["step"] * plan["batch"]
    lines = [
        f"# {record['variant']}",
        "",
        f"{described.title[0].upper()}{described.title[1:]}. Method: {described.source}.",
        "",
        *([f"What differs from it: {described.differs}", ""] if described.differs else []),
        *(f"**{note}**\n" for note in notes),
        "| | |",
        "|---|---|",
        f"| towers | {record['architecture']}, from {backbone_of(record)} |",
        f"| parameters | {record['parameters']:,} |",
        f"| data | {_data(record)} |",
        f"| steps | {record['step']:,} of {plan['steps']:,}, batch {plan['batch']} "
        f"({samples:,} examples), seed {plan['seed']} |",
        f"| trained on | {device}, {plan['precision']}, {_duration(record['seconds'])} |",
        f"| learning rate | {plan['rate']:g}, {Plan(**plan).warmup_steps} warm-up steps, then a "
        "cosine to 0 |",
        f"| settings | {_listed(record['settings'])} |",
        f"| chosen by | mean of the validation metrics: {_metrics(record['validation'])} |",
        f"| chosen on | {_chosen_on(record)} |",
        f"| versions | benchbench {environment['benchbench']}, torch {environment['torch']}, "
        f"open_clip {environment['open_clip_torch']} |",
        "| licence | Apache-2.0 |",
        "",
        "## To reproduce",
        "",
        *(f"    {command}" for command in commands(record)),
        "",
        "## Validation",
        "",
        *_curve(log),
        *(["", "## Results", "", *results] if results else []),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _duration(seconds: float) -> str:
    """Return a time in words.

    >>> _duration(45.2), _duration(3000.0)
    ('45 seconds', '50 minutes')
    """
    return f"{seconds:.0f} seconds" if seconds < 120 else f"{seconds / 60:.0f} minutes"


def with_base(record: dict[str, Any], base: Path | None = None) -> dict[str, Any]:
    """Add the plan of the base that a run was trained from, and of those before it.

    They are left out where they are not at hand. An absolute place of a base becomes its last three
    parts: no other machine has the rest.

    Args:
        record: the record of a checkpoint.
        base: where the base is now; by default where it was.
    """
    plan = record["plan"]
    was = Path(plan["backbone"])
    if was.suffix != weights.SUFFIX:
        return record
    there = base if base is not None and base.is_file() else was
    found: dict[str, Any] = {}
    if there.is_file():
        start = weights.read(there)[1]
        before = Path(start["plan"]["backbone"])
        own = with_base(start, there.parent.parent / before.parent.name / before.name)
        found = {"base": own["plan"], "before": bases_of(own)}
    if was.is_absolute():
        found["plan"] = plan | {"backbone": Path(*was.parts[-3:]).as_posix()}
    return record | found


def bases_of(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the plans of all bases of a run, the first one first."""
    return [*record.get("before", ()), *([record["base"]] if "base" in record else ())]


def backbone_of(record: Mapping[str, Any]) -> str:
    """Describe a checkpoint's start in words."""
    backbone = record["plan"]["backbone"]
    if bases := bases_of(record):
        return ", after ".join(
            f"the {base['variant']} of seed {base['seed']} ({base['steps']:,} steps, batch "
            f"{base['batch']}; {variant(base['variant']).title})"
            for base in reversed(bases)
        )
    if backbone in variants():
        return f"the bundled `{backbone}` ({variant(backbone).title})"
    return "random weights" if backbone == "small" else f"`{backbone}`"


def commands(record: Mapping[str, Any]) -> list[str]:
    """Return the commands that train it again."""
    plans = [*bases_of(record), record["plan"]]
    places = [*(plan["backbone"] for plan in plans[1:]), ""]
    return list(map(_command, plans, places))


def _command(plan: Mapping[str, Any], checkpoint: str) -> str:
    """Return the command of a plan; it writes a base where the next command reads it."""
    out = f" --out {Path(checkpoint).parent}" if checkpoint else ""
    pool = f" --pool {plan['pool']}" if plan.get("pool") else ""
    return (
        f"benchbench train {plan['variant']} --data {plan['data']} --backbone {plan['backbone']} "
        f"--seed {plan['seed']} --steps {plan['steps']} --batch-size {plan['batch']} "
        f"--lr {plan['rate']:g} --validate-every {plan['validate_every']} "
        f"--precision {plan['precision']}{pool}{out}"
    )


def _data(record: Mapping[str, Any]) -> str:
    """Describe the training data in words."""
    splits = ", ".join(record.get("splits", ["train"]))
    if record["plan"]["data"] != "scenes":
        of = f" ({splits})" if splits else "; whether that is a test file is for its user to know"
        return f"{record['data']}{of}; records' SHA-256 {record.get('data_sha256', 'unknown')[:12]}"
    return f"{record['data']} ({splits}), {_shown(record['plan'])}; nothing of the test splits"


def _shown(plan: Mapping[str, Any]) -> str:
    """Describe how often drawn examples are shown."""
    pool, shown = plan.get("pool", 0), plan["steps"] * plan["batch"]
    if not pool:
        return "drawn as it is trained"
    if pool < shown:
        return f"{pool:,} examples, shown {shown / pool:.1f} times on average"
    return f"{shown:,} of {pool:,} examples, each shown once"


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items()) or "none"


def _chosen_on(record: Mapping[str, Any]) -> str:
    """Describe the items that chose the best checkpoint: no test of those items may gate it."""
    if record["plan"]["data"] != "scenes":
        return f"held-out images of {record['data']}"
    return "scenes of the validation split; no task's items, so that any of them may gate it"


def _metrics(values: Mapping[str, float]) -> str:
    """Return the metrics that the mean averages, then those beside it."""
    shown = {name: f"{name} {value:.1f}" for name, value in values.items() if name != "mean"}
    aside = [shown.pop(name) for name in OUTSIDE_MEAN if name in shown]
    return ", ".join(shown.values()) + (f"; besides: {', '.join(aside)}" if aside else "")


def _curve(log: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the validation metrics, a line per validation, at most a dozen."""
    looks = [each for each in log if "val_mean" in each]
    some = looks[:: -max(1, -(-len(looks) // 12))][::-1]
    names = [name for name in (looks[0] if looks else {}) if name.startswith("val_")]
    head = ["step", *(name.removeprefix("val_") for name in names)]
    rows = [[f"{each['step']:,}", *(f"{each[name]:.1f}" for name in names)] for each in some]
    return ["| " + " | ".join(cells) + " |" for cells in (head, ["---:"] * len(head), *rows)]
