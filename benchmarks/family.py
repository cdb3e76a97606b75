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
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

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

    Runs = dict[tuple[int, str, str], Run]
    """By seed, member and task."""

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
BY_LEVEL = tuple(
    f"scenario-classification {each}-top1" for each in ("action", "object", "relation")
)
LEVEL, PROVEN = 0.99, 0.01


class Claim(NamedTuple):
    """Who over whom, on what."""

    text: str
    better: str
    worse: str
    wanted: tuple[str, ...]
    """Tasks; with a metric's name after a space, where it is not the headline."""
    kind: Literal["over", "kept", "how far"] = "over"


CLAIMS = (
    Claim("Structure-CLIP over CLIP", "structclip", "clip", STRUCTURE),
    Claim("Structure-CLIP over NegCLIP", "structclip", "negclip", STRUCTURE),
    Claim("NegCLIP over CLIP", "negclip", "clip", STRUCTURE),
    Claim("retrieval is kept", "structclip", "clip", SEARCHES, "kept"),
    Claim("retrieval is kept by NegCLIP", "negclip", "clip", SEARCHES, "kept"),
    Claim("semantic negatives help", "structclip:negatives", "clip", STRUCTURE),
    Claim("the knowledge encoder helps", "structclip:knowledge", "clip", STRUCTURE),
    Claim("both beat negatives alone", "structclip", "structclip:negatives", STRUCTURE),
    Claim("both beat knowledge alone", "structclip", "structclip:knowledge", STRUCTURE),
    Claim("MSG-CLIP over its baseline", "msgclip", "negclip", STRUCTURE),
    Claim("retrieval is kept by MSG-CLIP", "msgclip", "negclip", SEARCHES, "kept"),
    Claim("ScenarioCLIP over CLIP", "scenarioclip", "clip", (*SCENARIO, *BY_LEVEL)),
    Claim("ScenarioCLIP over shared towers", "scenarioclip", "scenarioclip:shared",
          (*SCENARIO, *BY_LEVEL)),
    Claim("RelCLIP over CLIP by union crops", "relclip", "clip", RANKED),
    Claim("RelCLIP over counting", "relclip", FREQUENCY, RANKED),
    Claim("distant supervision against full", "relclip:distant", "relclip", RANKED, "how far"),
)  # fmt: skip
"""What the papers claim."""
ABLATION = (("–", "–", "clip"), ("–", "yes", "structclip:knowledge"),
            ("yes", "–", "structclip:negatives"), ("yes", "yes", "structclip"))  # fmt: skip
"""Semantic negatives, knowledge encoder, who."""


@click.command()
@click.option("--out", default="training", show_default=True, help="Folder of runs.")
@click.option("--device", default="auto", show_default=True)
@click.option("--precision", type=click.Choice(["fp32", "bf16"]), default="fp32")
@click.option("--batch-size", default=64, show_default=True)
@click.option("--base-steps", default=4500, show_default=True)
@click.option("--steps", default=4500, show_default=True)
@click.option("--relation-steps", default=1000, show_default=True, help="Of RelCLIP.")
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
    rows = rows_of(runs, seeds, there)
    for name in there:
        if name in SHIPPED:
            said = [*results(runs, name), *verdicts(rows, name, seeds)]
            bundle(place(folder / "0", name), BUNDLED, note, said)
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


def differences(runs: Runs, seeds: int, better: str, worse: str, wanted: str) -> dict[int, Change]:
    """Of each seed that has both, by a task's headline or by the metric named after it."""
    task, _, name = wanted.partition(" ")
    return {
        seed: compare(
            runs[seed, worse, task], runs[seed, better, task], name or None, level=LEVEL
        ).whole
        for seed in range(seeds)
        if {(seed, worse, task), (seed, better, task)} <= set(runs)
    }


def results(runs: Runs, name: str) -> list[str]:
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


class Row(NamedTuple):
    """A claim on one task."""

    claim: Claim
    wanted: str
    found: dict[int, Change]
    """By seed."""
    adjusted: dict[int, float]
    """By seed: p, over all rows of that seed, by Holm."""

    def verdict(self) -> str:
        """Whether it holds in every seed."""
        if self.claim.kind == "how far":
            return ""
        if self.claim.kind == "kept":
            return "yes" if all(each.high >= 0 for each in self.found.values()) else "**no**"
        if any(each.high < 0 for each in self.found.values()):
            return "**no: the contrary**"
        shown = [each.low > 0 and self.adjusted[seed] < PROVEN for seed, each in self.found.items()]
        if all(shown):
            return "yes"
        return "**not shown**" + (f" ({sum(shown)} of {len(shown)} seeds)" if any(shown) else "")

    def line(self, seeds: int) -> str:
        """As markdown."""
        cells = [self._cell(seed) for seed in range(seeds)]
        if seeds > 1:
            sizes = [100 * each.difference for each in self.found.values()]
            cells.append(f"{mean(sizes):+.1f} ± {stdev(sizes):.1f}" if len(sizes) > 1 else "–")
        verdict = self.verdict()
        if verdict and len(self.found) < seeds:
            verdict += f" ({len(self.found)} seed{'s' * (len(self.found) > 1)})"
        text, better, worse, *_ = self.claim
        start = f"| {text}: `{better}` − `{worse}` | {self.wanted} | "
        return start + " | ".join([*cells, verdict]) + " |"

    def _cell(self, seed: int) -> str:
        if seed not in self.found:
            return "–"
        d = self.found[seed]
        return (
            f"{100 * d.difference:+.1f} [{100 * d.low:+.1f}, {100 * d.high:+.1f}], "
            f"p {self.adjusted[seed]:.2g}"
        )


def verdicts(rows: Sequence[Row], name: str, seeds: int) -> list[str]:
    """What became of a member's claims, for its card."""
    lines = [row.line(seeds) for row in rows if row.claim.better == name]
    if not lines:
        return []
    head = ["claim", "on", *(f"seed {seed}" for seed in range(seeds))]
    head += ["mean ± sd"] * (seeds > 1) + ["holds"]
    told = "Points, 99 % intervals, adjusted p; read as in docs/variants.md."
    return ["", "## Claims", "", told, "", *_table(head, lines)]


def rows_of(runs: Runs, seeds: int, there: Sequence[str]) -> list[Row]:
    """The claims whose models are there."""
    rows = [
        Row(each, wanted, differences(runs, seeds, each.better, each.worse, wanted), {})
        for each in CLAIMS
        if each.better in there and each.worse in (*there, FREQUENCY)
        for wanted in each.wanted
    ]
    for seed in range(seeds):
        of_seed = [row for row in rows if seed in row.found]
        values = holm([row.found[seed].p_value for row in of_seed])
        for row, p in zip(of_seed, values, strict=True):
            row.adjusted[seed] = p
    return rows


def page(runs: Runs, seeds: int, there: Sequence[str], notes: Sequence[str]) -> str:
    """``docs/variants.md``."""
    over = ["mean ± sd over seeds"] if seeds > 1 else []
    return "\n".join([
        "# The bundled variants, and their papers' claims", "",
        "Generated by `benchmarks/family.py`; not to be edited.", "",
        *(f"**{note}**\n" for note in notes),
        "Differences in points of the task's headline, or of the metric named after it, on the "
        "drawn test split, which nothing was trained or chosen on. In brackets: 99 %, Student's t "
        "of the paired difference, by the jackknife over source images; p: sign flips of whole "
        "source images (McNemar's exact test where each has one item), adjusted for all rows of a "
        "seed by Holm. They speak of these checkpoints as they were trained (what is bundled of "
        "them, in float16, may differ by a tenth of a point); the spread over seeds speaks of the "
        "methods. With each seed base and members are trained anew; seed 0 is bundled.", "",
        "Holds: in every seed trained the interval lies above 0 and p is below 0.01. Of a thing "
        "that is to be kept: no interval lies below 0, of which a wide one says little.", "",
        *_table(
            ["claim", "on", *(f"seed {seed}" for seed in range(seeds)), *over, "holds"],
            [row.line(seeds) for row in rows_of(runs, seeds, there)],
        ),
        *_ablation(runs, seeds, there),
        "", "## Scores", "",
        *_table(
            ["model", "seed", *TASKS],
            [
                f"| {name} | {seed} | {_scores(runs, seed, name, TASKS)} |"
                for name in there
                for seed in range(seeds)
                if (seed, name, RETRIEVAL) in runs
            ],
        ),
        "", _footnote(runs, there), "",
    ])  # fmt: skip


def _ablation(runs: Runs, seeds: int, there: Sequence[str]) -> list[str]:
    """What each part of Structure-CLIP gives."""
    if not {name for *_, name in ABLATION} <= set(there):
        return []
    columns = (*STRUCTURE, RETRIEVAL)
    return [
        "", "## Structure-CLIP's parts", "",
        *_table(
            ["semantic negatives", "knowledge encoder", "model", "seed", *columns],
            [
                f"| {swaps} | {triples} | {name} | {seed} | {_scores(runs, seed, name, columns)} |"
                for seed in range(seeds)
                for swaps, triples, name in ABLATION
                if (seed, name, RETRIEVAL) in runs
            ],
        ),
    ]  # fmt: skip


def _scores(runs: Runs, seed: int, name: str, tasks: Sequence[str]) -> str:
    cells = [bb.scorecard(runs[seed, name, task]).headline.estimate for task in tasks]
    return " | ".join(f"{100 * each.value:.1f}" for each in cells)


def _table(head: Sequence[str], lines: Sequence[str]) -> list[str]:
    return [f"| {' | '.join(head)} |", "|" + "---|" * len(head), *lines]


def _footnote(runs: Runs, there: Sequence[str]) -> str:
    some = next(iter(runs.values()))
    heads = {task: metric_of(runs[0, there[0], task], None).name for task in TASKS}
    return f"Edition {some.edition}. Headlines: {json.dumps(heads)[1:-1]}."


if __name__ == "__main__":
    main()
