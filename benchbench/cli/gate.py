"""``benchbench gate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchbench.cli import options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchbench.gate import Gate, Rule
    from benchbench.types import Run


@click.command("gate")
@click.option("--candidate", required=True, help="A run, a folder of runs, or a model to evaluate.")
@click.option("--baseline", required=True, help="A run, a folder of runs, or git:REF:PATH.")
@click.option(
    "--fail-if",
    "conditions",
    multiple=True,
    metavar="CONDITION",
    help='E.g. "vg-relation.macro < baseline - 1.0pp @ 0.05"; repeatable. By default the [[gate]] '
    "tables of benchbench.toml.",
)
@click.option(
    "--inconclusive",
    type=click.Choice(["pass", "warn", "fail"]),
    default="warn",
    show_default=True,
    help="What to make of too few items: warn leaves with 0 and says so.",
)
@click.option(
    "--report",
    "reports",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Also write .xml (JUnit), .md or .json; repeatable.",
)
@click.option(
    "--early-stop",
    is_flag=True,
    help="Evaluate source images in random order, and stop when the answer is sure (plain means).",
)
@options.ties_option
@options.data_root_option
@options.edition_option
@options.device_option
@options.precision_option
@options.seed_option
@options.loading_options
def gate_command(
    candidate: str,
    baseline: str,
    conditions: Sequence[str],
    inconclusive: str,
    reports: Sequence[Path],
    early_stop: bool,
    ties: Any,
    **how: Any,
) -> int:
    """May CANDIDATE take BASELINE's place? Leaves with 0 (yes), 1 (no), 2 (wrong input) or 3 (not
    comparable).
    """
    from benchbench.baselines import is_there, runs_from
    from benchbench.gate import gate
    from benchbench.reports.gates import terminal

    _check_reports(reports)
    rules = _rules(conditions)
    old = runs_from(baseline)
    if early_stop:
        return _early(candidate, old, rules, reports, inconclusive, ties, how)
    new = runs_from(candidate) if is_there(candidate) else _evaluated(candidate, rules, how)
    found = gate(new, old, rules, ties=ties)
    click.echo(terminal(found))
    _write(found, reports)
    return _left_with(found.verdict, inconclusive)


def _left_with(verdict: str, inconclusive: str) -> int:
    """The exit code; what is made of too few items is said in the last line."""
    if verdict == "inconclusive":
        click.echo(
            "Too few items to decide. --inconclusive "
            f"{inconclusive}: {'fails' if inconclusive == 'fail' else 'passes'}."
        )
        return int(inconclusive == "fail")
    return int(verdict == "fail")


def _early(
    candidate: str,
    old: Sequence[Run],
    rules: Sequence[Rule],
    reports: Sequence[Path],
    inconclusive: str,
    ties: Any,
    how: dict[str, Any],
) -> int:
    """One rule, on as many items as it takes."""
    from benchbench.baselines import is_there
    from benchbench.devices import choose_device
    from benchbench.errors import UsageError
    from benchbench.gate import run_of
    from benchbench.registry import load_model
    from benchbench.stopping import gate_early
    from benchbench.types import FURTHER, LoadOptions

    if len(rules) != 1 or reports or is_there(candidate):
        raise UsageError(
            "--early-stop takes a model as --candidate, one condition, and no --report: the runs "
            "that others would be gated by are not complete."
        )
    loading = {name: how.pop(name) for name in FURTHER}
    seed = how.pop("seed")
    device, precision = choose_device(how.pop("device")), how.pop("precision")
    model = load_model(candidate, LoadOptions(device, precision, seed, **loading))
    found = gate_early(
        model, run_of(old, rules[0], "baseline"), rules[0], seed=seed, ties=ties, **how
    )
    click.echo(found)
    return _left_with(found.verdict, inconclusive)


def _rules(conditions: Sequence[str]) -> list[Rule]:
    """Typed, or from the settings file."""
    from benchbench.conditions import EXAMPLE, parse_condition, rules_of
    from benchbench.errors import UsageError
    from benchbench.settings import read_settings

    if conditions:
        return [parse_condition(each) for each in conditions]
    settings = read_settings()
    if not settings.gate:
        raise UsageError(
            f"Nothing is asked. Type --fail-if {EXAMPLE}, or write [[gate]] tables into "
            "benchbench.toml."
        )
    return rules_of(settings.gate, str(settings.path))


def _evaluated(model: str, rules: Sequence[Rule], how: dict[str, Any]) -> list[Run]:
    from benchbench.cli.progress import ProgressBar
    from benchbench.evaluation import evaluate

    bar = ProgressBar()
    try:
        return [
            evaluate(model, task, progress=bar, **how)
            for task in dict.fromkeys(rule.task for rule in rules)
        ]
    finally:
        bar.close()


def _check_reports(reports: Sequence[Path]) -> None:
    from benchbench.errors import UsageError
    from benchbench.reports.gates import FORMATS

    for path in reports:
        if path.suffix not in FORMATS:
            raise UsageError(f"A report is {', '.join(FORMATS)}, not '{path.name}'.")


def _write(found: Gate, reports: Sequence[Path]) -> None:
    from benchbench.reports.gates import FORMATS
    from benchbench.runs import written_whole

    for path in reports:
        with written_whole(path) as temporary:
            temporary.write_text(FORMATS[path.suffix](found), "utf-8")
