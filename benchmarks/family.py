"""Train the bundled family, evaluate it, and put weights, cards and the page of claims in place.

What was measured is on record in ``outcomes.json``, and the page is made from it alone
(``--page-only``). Runs at hand take their places in the record; all others stay as they are
(``intake.py``). One command makes everything anew (hours on a large GPU; for a trial on a CPU,
``--scale 0.02 --record trial.json --docs trial --bundled trial``):

    python -m benchmarks.family --device cuda --precision bf16 --seeds 5

Who is trained, for how long and from where is in ``members.py``; what is claimed, in
``claims.toml``. For each seed the starts are trained, then every member from its own. Seed 0 is
bundled. Each step is skipped where its result is there already, so that the same command goes on
after a stop. Runs made elsewhere are put into ``OUT/SEED/MEMBER`` (``best.safetensors``,
``log.jsonl``): ``--tables-only`` takes them from there. Members that are neither there nor on
record are said to be not trained. A run is not bundled if most seeds of its member were trained on
another device.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from benchbench.atomic import atomic_write
from benchbench.devices import choose_device
from benchbench.errors import BenchbenchError, UnknownName, UsageError
from benchbench.training import Plan, train
from benchbench.training.bundling import bundle
from benchbench.training.loop import BEST
from benchbench.training.running import SMALL
from benchbench.training.state import STATE
from benchbench.variants import weights
from benchbench.variants.catalogue import BUNDLED
from benchmarks.claims import CLAIMS, read_claims
from benchmarks.family_runs import Work
from benchmarks.intake import take_in
from benchmarks.members import BY_NAME, MEMBERS, SHIPPED, place, starts_of
from benchmarks.outcomes import OUTCOMES, Outcomes, read_outcomes, write_outcomes
from benchmarks.variants_cards import card_lines, cards
from benchmarks.variants_page import pages, summary_lines
from benchmarks.variants_tables import Results
from benchmarks.verdicts import judge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.claims import Claims
    from benchmarks.intake import AtHand
    from benchmarks.members import Member

TOP = Path(__file__).parent.parent


@click.command()
@click.option("--out", default="training", show_default=True, help="Folder of runs.")
@click.option("--device", default="auto", show_default=True)
@click.option("--precision", type=click.Choice(["fp32", "bf16"]), default="fp32")
@click.option("--seeds", default=5, show_default=True, help="Seeds 0, 1, …; 0 is bundled.")
@click.option("--members", default="", help="Names with commas between; by default all.")
@click.option("--scale", default=1.0, show_default=True, help="Share of each member's steps.")
@click.option("--note", multiple=True, help="What must be said wherever the numbers are shown.")
@click.option("--tables-only", is_flag=True, help="Train nothing; evaluate what is there.")
@click.option("--page-only", is_flag=True, help="Evaluate nothing either; use the record alone.")
@click.option("--record", default=str(OUTCOMES), help="File of what was measured.")
@click.option("--claims", "claimed", default=str(CLAIMS), help="File of claims.")
@click.option("--docs", default=str(TOP / "docs"), help="Folder of the page.")
@click.option("--bundled", default=str(BUNDLED), help="Folder of weights and cards.")
def main(**given: Any) -> None:
    """Train, evaluate, bundle and tabulate the family."""
    try:
        make(**given)
    except BenchbenchError as error:
        click.echo(f"Error: {error}", err=True)
        raise SystemExit(error.exit_code) from error


def make(
    out: str, device: str, precision: str, seeds: int, members: str, scale: float,
    note: Sequence[str], tables_only: bool, page_only: bool, record: str, claimed: str, docs: str,
    bundled: str,
) -> None:  # fmt: skip
    """Run the command.

    Raises:
        BenchbenchError: whatever the user can put right.
    """
    claims = read_claims(Path(claimed))
    if seeds < 1 or not scale > 0:
        raise UsageError(f"Seeds should be 1 or more, and scale above 0; not {seeds} and {scale}.")
    chosen = tuple(each.scaled(scale) for each in _select_members(members))
    there = page_only or Path(record).exists()
    outcomes = read_outcomes(Path(record)) if there else Outcomes()
    outcomes = replace(outcomes, notes=tuple(note) or outcomes.notes)
    if page_only:
        results = _results(outcomes, claims)
    else:
        work = Work(Path(out), choose_device(device), precision, seeds, chosen)
        if not tables_only:
            for seed in range(seeds):
                _train_seed(work, seed, scale)
        _require_runs(work)
        outcomes, hand = take_in(outcomes, work, claims, Path(bundled))
        write_outcomes(outcomes, Path(record))
        results = _results(read_outcomes(Path(record)), claims)
        _bundle(results, hand, Path(bundled))
    texts = {Path(docs) / name: text for name, text in pages(results).items()}
    for path, text in (texts | cards(results, Path(bundled))).items():
        with atomic_write(path) as temporary:
            temporary.write_text(text, "utf-8")
    for line in summary_lines(results.found):
        click.echo(line)


def _results(outcomes: Outcomes, claims: Claims) -> Results:
    """Judge the claims by what is on record."""
    return Results(claims, judge(outcomes.measured(claims), claims.level), outcomes)


def _bundle(results: Results, hand: AtHand, bundled: Path) -> None:
    """Bundle seed 0 of what is shipped, where it was trained on the device of most of its seeds."""
    work, notes = hand.work, results.record.notes
    for name in SHIPPED:
        own = results.runs_of(name)
        if 0 in work.trained_seeds(name) and own and hand.on.get((0, name)) == own[0].on:
            start = BY_NAME[name].backbone
            base = work.best(0, start) if start else None
            runs = {task: hand.runs[key] for key in hand.runs
                    for task in key[2:] if key[:2] == (0, name)}  # fmt: skip
            lines = card_lines(results, name, runs)
            bundle(place(work.folder(0), name), bundled, notes, lines, base=base)


def _select_members(members: str) -> tuple[Member, ...]:
    """Return members by name.

    Raises:
        UnknownName: one that the table does not hold.
    """
    if not members:
        return MEMBERS
    there = {each.name: each for each in MEMBERS}
    for name in members.split(","):
        if name not in there:
            raise UnknownName("member", name, there, f"There are: {', '.join(there)}.")
    return tuple(there[name] for name in members.split(","))


def _train_seed(work: Work, seed: int, scale: float) -> None:
    """Train what a seed lacks: starts that members need, then members."""
    wanted = [each for each in work.members if each.known and seed < each.seeds]
    lacking = [each for each in wanted if seed not in work.trained_seeds(each.name)]
    for each in (*(start.scaled(scale) for start in starts_of(lacking)), *wanted):
        _train_member(work, each, seed)


def _train_member(work: Work, member: Member, seed: int) -> None:
    """Train a member; go on where it stopped; leave alone what was made elsewhere."""
    run = place(work.folder(seed), member.name)
    backbone = str(work.best(seed, member.backbone)) if member.backbone else SMALL
    plan = Plan(
        variant=member.variant, backbone=backbone, seed=seed, steps=member.steps,
        batch=member.batch, rate=member.rate, precision=cast("Any", work.precision),
        validate_every=max(1, member.steps // member.validations),
    )  # fmt: skip
    if _is_finished(run, plan):
        return
    click.echo(f"{member.name}, seed {seed}", err=True)
    train(plan, run, device=work.device, progress=_say)


def _is_finished(run: Path, plan: Plan) -> bool:
    """Return whether a run is at the end of its plan; one without a state came from another
    machine, and is."""
    if not (run / STATE).is_file():
        return (run / BEST).is_file()
    _, record = weights.read(run / STATE)
    step: int = record.get("numbers", {}).get("step", 0)
    return record.get("plan") == plan.record() and step >= plan.steps


def _say(step: int, steps: int, values: dict[str, float]) -> None:
    if "mean" in values:
        marks = "  ".join(f"{name} {value:.4g}" for name, value in values.items())
        click.echo(f"  {step:,} of {steps:,}  {marks}", err=True)


def _require_runs(work: Work) -> None:
    """Refuse a folder without runs.

    Raises:
        UsageError: nothing is there.
    """
    if not any(work.trained_seeds(name) for name in BY_NAME):
        raise UsageError(
            f"{work.out} holds no checkpoint of seeds 0 to {work.seeds - 1}: there should be "
            f"{work.best(0, SHIPPED[0])} or another member's. Name the folder: --out."
        )


if __name__ == "__main__":
    main()
