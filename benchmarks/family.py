"""Train the bundled family, evaluate it, and put weights, cards and tables in place.

One command makes everything anew (an hour on a large GPU; a night on a CPU with fewer steps):

    python benchmarks/family.py --device cuda --precision bf16 --batch-size 1024 --steps 6000

For each seed a base is trained, then every member from that base, with the same batch, steps and
schedule; but RelCLIP, whose examples are whole scenes with all their pairs, dense ones among them,
has a batch and steps of its own. Seed 0 is bundled. Each step is skipped where its result is there
already, so that the same command goes on after a stop.
"""

from __future__ import annotations

import json
from pathlib import Path
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any

import click

import benchbench as bb
from benchbench.reports.comparison import compare
from benchbench.reports.sidebyside import metric_of
from benchbench.stats import holm
from benchbench.training import Plan, train
from benchbench.training.bundling import bundle
from benchbench.training.loop import BEST
from benchbench.variants.catalogue import BUNDLED, variant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchbench.reports.comparison import Change
    from benchbench.types import Run

TOP = Path(__file__).parent.parent
SHIPPED = ("clip", "negclip", "structclip", "msgclip", "scenarioclip", "relclip")
MEMBERS = (
    *SHIPPED, "structclip:negatives", "structclip:knowledge", "scenarioclip:shared",
    "relclip:distant",
)  # fmt: skip
STRUCTURE = ("vg-attribution", "vg-relation")
RETRIEVAL = "coco-retrieval"
LOOKS = 6
"""At the validation split, in a run."""
SEARCHES = (RETRIEVAL, "scenario-retrieval")
SCENARIO = ("scenario-classification", "scenario-retrieval")
DETECTION = "vg-relation-detection"
RANKED = (f"{DETECTION} mR@20", f"{DETECTION} zR@20")
TASKS = (*STRUCTURE, RETRIEVAL, *SCENARIO, DETECTION)
FREQUENCY = "blind:frequency"
CLAIMS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("Structure-CLIP over CLIP", "structclip", "clip", STRUCTURE),
    ("Structure-CLIP over NegCLIP", "structclip", "negclip", STRUCTURE),
    ("NegCLIP over CLIP", "negclip", "clip", STRUCTURE),
    ("semantic negatives help", "structclip:negatives", "clip", STRUCTURE),
    ("the knowledge encoder helps", "structclip:knowledge", "clip", STRUCTURE),
    ("both beat negatives alone", "structclip", "structclip:negatives", STRUCTURE),
    ("retrieval is kept", "structclip", "clip", SEARCHES),
    ("retrieval is kept by NegCLIP", "negclip", "clip", SEARCHES),
    ("MSG-CLIP over its baseline", "msgclip", "negclip", STRUCTURE),
    ("ScenarioCLIP over CLIP", "scenarioclip", "clip", SCENARIO),
    ("ScenarioCLIP over shared towers", "scenarioclip", "scenarioclip:shared", SCENARIO),
    ("RelCLIP over CLIP by union crops", "relclip", "clip", RANKED),
    ("RelCLIP over counting", "relclip", FREQUENCY, RANKED),
    ("distant supervision against full", "relclip:distant", "relclip", RANKED),
)
"""What the papers claim: who over whom, on what: a task, and a metric other than its headline."""


@click.command()
@click.option("--out", default="training", show_default=True, help="Folder of runs.")
@click.option("--device", default="auto", show_default=True)
@click.option("--precision", type=click.Choice(["fp32", "bf16"]), default="fp32")
@click.option("--batch-size", default=64, show_default=True)
@click.option("--base-steps", default=4500, show_default=True)
@click.option("--steps", default=4500, show_default=True)
@click.option("--relation-steps", default=500, show_default=True, help="Of RelCLIP.")
@click.option("--relation-batch", default=32, show_default=True, help="Of RelCLIP.")
@click.option("--rate", default=1e-3, show_default=True)
@click.option("--seeds", default=1, show_default=True, help="Seeds 0, 1, …; 0 is bundled.")
@click.option("--members", default=",".join(MEMBERS), show_default=True)
@click.option("--note", multiple=True, help="What must be said wherever the numbers are shown.")
@click.option("--tables-only", is_flag=True, help="Train nothing; evaluate what is there.")
def main(
    out: str, seeds: int, members: str, tables_only: bool, note: Sequence[str], **how: Any
) -> None:
    """Train, evaluate, bundle, tabulate."""
    folder, names = Path(out), members.split(",")
    for seed in range(0 if tables_only else seeds):
        base = trained("base", folder / f"{seed}", seed, "small", how["base_steps"], how)
        for name in names:
            trained(name, folder / f"{seed}", seed, str(base), how["steps"], how)
    runs = {
        (seed, name, task): evaluated(folder / f"{seed}", name, task, how["device"])
        for seed in range(seeds)
        for name in names
        if (place(folder / f"{seed}", name) / BEST).is_file()
        for task in TASKS
    }
    for seed in range(seeds):
        runs[seed, FREQUENCY, DETECTION] = counted(folder, how["device"])
    there = [name for name in names if (0, name, RETRIEVAL) in runs]
    for name in there:
        if name in SHIPPED:
            bundle(place(folder / "0", name), BUNDLED, note, results(runs, name))
    (TOP / "docs" / "variants.md").write_text(page(runs, seeds, there, note), "utf-8")


def place(folder: Path, name: str) -> Path:
    """A member's run folder."""
    return folder / name.replace(":", "-")


def trained(name: str, folder: Path, seed: int, backbone: str, steps: int, how: Any) -> Path:
    """A member's best checkpoint, trained if it is not there."""
    batch, looks = how["batch_size"], LOOKS
    if name == "base":
        looks = 10
    elif "pairs" in " ".join(variant(name).views):
        steps, batch, looks = how["relation_steps"], how["relation_batch"], 5
    plan = Plan(
        variant=name, backbone=backbone, seed=seed, steps=steps, batch=batch, rate=how["rate"],
        precision=how["precision"], validate_every=max(1, steps // looks),
    )  # fmt: skip
    click.echo(f"{name}, seed {seed}", err=True)
    return train(plan, place(folder, name), device=how["device"], progress=_say)


def _say(step: int, steps: int, values: dict[str, float]) -> None:
    if "mean" in values:
        marks = "  ".join(f"{name} {value:.4g}" for name, value in values.items())
        click.echo(f"  {step:,} of {steps:,}  {marks}", err=True)


def evaluated(folder: Path, name: str, task: str, device: str) -> Run:
    """A member's run on a task, read from disk where it is of these weights."""
    path = folder / "evaluated" / f"{name.replace(':', '-')}-{task}.parquet"
    model = f"{name.partition(':')[0]}:{place(folder, name) / BEST}"
    if path.is_file():
        run = bb.read_run(path)
        if run.model.weights_sha256 == bb.load_model(model).manifest.weights_sha256:
            return run
    bb.write_run(bb.evaluate(model, task, device=device), path)
    return bb.read_run(path)


def counted(folder: Path, device: str) -> Run:
    """What counting a training split gives on relation detection."""
    path = folder / "frequency.parquet"
    if not path.is_file():
        bb.write_run(bb.evaluate(FREQUENCY, DETECTION, device=device), path)
    return bb.read_run(path)


def differences(
    runs: dict[tuple[int, str, str], Run], seeds: int, better: str, worse: str, wanted: str
) -> dict[int, Change]:
    """Of each seed that has both, by a task's headline or by the metric named after it."""
    task, _, name = wanted.partition(" ")
    return {
        seed: compare(
            runs[seed, worse, task], runs[seed, better, task], name or None, level=0.99
        ).whole
        for seed in range(seeds)
        if {(seed, worse, task), (seed, better, task)} <= set(runs)
    }


def results(runs: dict[tuple[int, str, str], Run], name: str) -> list[str]:
    """A member's scores, for its card."""
    lines = ["| task | metric | % | 95 % interval |", "|---|---|---:|---|"]
    for task in TASKS:
        row = bb.scorecard(runs[0, name, task]).headline
        e = row.estimate
        lines.append(
            f"| {runs[0, name, task].task}@{runs[0, name, task].edition} | {row.name} "
            f"| {100 * e.value:.1f} | [{100 * e.low:.1f}, {100 * e.high:.1f}] |"
        )
    return lines


def page(
    runs: dict[tuple[int, str, str], Run], seeds: int, there: Sequence[str], notes: Sequence[str]
) -> str:
    """``docs/variants.md``."""
    rows = [
        (claim, better, worse, task, differences(runs, seeds, better, worse, task))
        for claim, better, worse, tasks in CLAIMS
        if better in there and worse in (*there, FREQUENCY)
        for task in tasks
    ]  # fmt: skip
    adjusted: dict[tuple[int, int], float] = {}
    for seed in range(seeds):
        of_seed = [(n, found[seed].p_value) for n, (*_, found) in enumerate(rows) if seed in found]
        values = holm([p for _, p in of_seed])
        adjusted |= {(seed, n): p for (n, _), p in zip(of_seed, values, strict=True)}
    lines = [
        "# The bundled variants, and their papers' claims", "",
        "Generated by `benchmarks/family.py`; not to be edited.", "",
        *(f"**{note}**\n" for note in notes),
        "Differences in points of the task's headline on the drawn test split, which nothing was "
        "trained or chosen on. Intervals: 99 %, Student's t of the paired difference, by the "
        "jackknife over source images; p: sign flips of whole source images, adjusted for all "
        "rows of a seed by Holm. They speak of these checkpoints as they were trained (what is "
        "bundled of them, in float16, may differ by a tenth of a point); the spread over seeds "
        "speaks of the methods.", "",
        "| claim | task | seed | difference | 99 % interval | adjusted p |",
        "|---|---|---:|---:|---|---:|",
    ]  # fmt: skip
    for number, (claim, better, worse, task, found) in enumerate(rows):
        for seed, d in found.items():
            lines.append(
                f"| {claim}: `{better}` − `{worse}` | {task} | {seed} | {100 * d.difference:+.1f} "
                f"| [{100 * d.low:+.1f}, {100 * d.high:+.1f}] | {adjusted[seed, number]:.2g} |"
            )
        if len(found) > 1:
            sizes = [100 * d.difference for d in found.values()]
            lines.append(f"| | {task} | all | {mean(sizes):+.1f} ± {stdev(sizes):.1f} | | |")
    lines += ["", "## Scores", "", "| model | seed | " + " | ".join(TASKS) + " |",
              "|---|---:|" + "---:|" * len(TASKS)]  # fmt: skip
    for name in there:
        for seed in (each for each in range(seeds) if (each, name, RETRIEVAL) in runs):
            cells = [bb.scorecard(runs[seed, name, task]).headline.estimate for task in TASKS]
            shown = " | ".join(f"{100 * each.value:.1f}" for each in cells)
            lines.append(f"| {name} | {seed} | {shown} |")
    some = next(iter(runs.values()))
    heads = {task: metric_of(runs[0, there[0], task], None).name for task in TASKS}
    lines += ["", f"Edition {some.edition}. Headlines: {json.dumps(heads)[1:-1]}."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
