"""``benchbench gate``: test a candidate against a baseline; the exit code is the verdict."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchbench.cli import options
from benchbench.cli.output import say
from benchbench.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchbench.analysis.early_gate import EarlyGate
    from benchbench.analysis.gate import Gate, Inconclusive
    from benchbench.analysis.gate_rules import Rule
    from benchbench.render.summaries import Section
    from benchbench.types import Run

INCONCLUSIVE: tuple[Inconclusive, ...] = ("pass", "warn", "fail")


@click.command("gate")
@click.option("--candidate", required=True, help="A run, a folder of runs, or a model to evaluate.")
@click.option(
    "--baseline",
    help="A run, a folder of runs, or git:REF:PATH. Of several runs of a task, the one of the "
    "candidate's name.  [default: baseline of the settings file]",
)
@click.option(
    "--fail-if",
    "conditions",
    multiple=True,
    metavar="CONDITION",
    help='E.g. "vg-relation.macro < baseline - 1.0pp @ 0.05"; repeatable.  [default: those of '
    "benchbench.toml or pyproject.toml]",
)
@click.option(
    "--inconclusive",
    type=click.Choice(INCONCLUSIVE),
    help="What too few items count as; warn exits with 0 and prints a line.  [default: the "
    "settings file's, or warn]",
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
@options.common_items_option
@options.ties_option
@options.data_root_option
@options.edition_option
@options.device_option
@options.precision_option
@options.order_option
@options.loading_options
@options.verbose_option
def gate_command(candidate: str, reports: Sequence[Path], **settings: Any) -> int:
    """Gate CANDIDATE against BASELINE.

    Exit code 0: let through; 1: not let through; 2: no verdict (wrong input, or a crash); 3: not
    comparable. Where GITHUB_STEP_SUMMARY names a file, the report is added to it.
    """
    from benchbench.devices import memory_errors
    from benchbench.errors import BenchbenchError, NotComparable
    from benchbench.failures import foreign_code

    try:
        # Python's own exit code after an exception, 1, would say that the gate failed.
        with memory_errors("Try fewer items: --early-stop."), foreign_code("The gate"):
            shown, report, code = _run_gate(candidate, reports, **settings)
    except BenchbenchError as error:
        what = "not comparable" if isinstance(error, NotComparable) else "not run"
        _summarise([_code_block(what, str(error))])
        raise
    _summarise(report)
    click.echo(shown)
    return code


def _run_gate(
    candidate: str,
    reports: Sequence[Path],
    baseline: str | None,
    conditions: Sequence[str],
    inconclusive: Inconclusive | None,
    early_stop: bool,
    common_items: bool,
    ties: Any,
    **how: Any,
) -> tuple[str, list[Section], int]:
    """Return the text to print, the sections for a summary, and the exit code."""
    from benchbench.analysis.gate import exit_code, gate
    from benchbench.analysis.gate_rules import check_editions
    from benchbench.errors import UsageError
    from benchbench.render.gate import last_line, terminal
    from benchbench.render.gate_reports import sections
    from benchbench.run_files import is_run_path, read_runs

    _check_reports(reports)
    rules, where, inconclusive = _read_rules(conditions, baseline, inconclusive)
    old = read_runs(where)
    if early_stop and common_items:
        raise UsageError(
            "--early-stop evaluates the baseline's own items: leave --common-items out."
        )
    is_run = is_run_path(candidate)
    if not (is_run or common_items):
        check_editions(rules, old, how["data_root"], how["edition"])
    if early_stop:
        early = _run_early_gate(candidate, old, rules, reports, ties, how)
        text = (
            f"{early}\n{last_line(early.verdict, inconclusive, few=early.has_few_images)}".rstrip()
        )
        code = exit_code(early.verdict, inconclusive)
        return text, [_code_block(early.verdict.upper(), text)], code
    new = read_runs(candidate) if is_run else _evaluate(candidate, rules, how)
    found = gate(new, old, rules, ties=ties, inconclusive=inconclusive, common_items=common_items)
    _write_reports(
        found, reports
    )  # before anything is printed: a full disk must not contradict a verdict
    return terminal(found), sections(found), found.exit_code


def _run_early_gate(
    candidate: str,
    old: Sequence[Run],
    rules: Sequence[Rule],
    reports: Sequence[Path],
    ties: Any,
    how: dict[str, Any],
) -> EarlyGate:
    """Return the early verdict of one rule, from as many items as it needs.

    Raises:
        UsageError: there are several rules, a report, or a run as the candidate.
    """
    from benchbench.analysis.early_gate import gate_early
    from benchbench.analysis.gate import select_run
    from benchbench.devices import choose_device
    from benchbench.errors import UsageError
    from benchbench.registry import load_model
    from benchbench.run_files import is_run_path
    from benchbench.types import LOAD_EXTRAS, LoadOptions

    if len(rules) != 1 or reports or is_run_path(candidate):
        raise UsageError(
            "--early-stop takes a model as --candidate, one condition, and no --report: the runs "
            "that others would be gated by are not complete."
        )
    loading = {name: how.pop(name) for name in LOAD_EXTRAS}
    seed = how.pop("seed")
    device, precision = choose_device(how.pop("device")), how.pop("precision")
    model = load_model(candidate, LoadOptions(device, precision, seed, **loading))
    return gate_early(
        model, select_run(old, rules[0], "baseline"), rules[0], seed=seed, ties=ties, **how
    )


def _read_rules(
    conditions: Sequence[str], baseline: str | None, inconclusive: Inconclusive | None
) -> tuple[list[Rule], str, Inconclusive]:
    """Return rules, baseline and the meaning of too few items: typed, or from the settings file.

    Raises:
        UsageError: there is no rule or no baseline, or ``inconclusive`` is unknown.
    """
    from benchbench.analysis.gate_rules import EXAMPLE, parse_condition, parse_rules
    from benchbench.errors import UsageError
    from benchbench.settings import read_settings

    settings = read_settings()
    rules = [parse_condition(each) for each in conditions or settings.gate.fail_if]
    if not conditions:
        rules += parse_rules(settings.gate.checks, str(settings.path))
    if not rules:
        raise UsageError(
            f"There is no condition. Type --fail-if {EXAMPLE}, or write [[gate]] tables into "
            "benchbench.toml (in pyproject.toml: [[tool.benchbench.gate]])."
        )
    where = baseline or settings.gate.baseline
    if where is None:
        raise UsageError("There is no baseline. Type --baseline RUN, FOLDER or git:REF:PATH.")
    choice = inconclusive or settings.gate.inconclusive or "warn"
    if choice not in INCONCLUSIVE:
        raise UsageError(
            f"{settings.path}: gate.inconclusive is {', '.join(INCONCLUSIVE)}, not '{choice}'."
        )
    return rules, where, choice


def _evaluate(model: str, rules: Sequence[Rule], how: dict[str, Any]) -> list[Run]:
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
    from benchbench.render.gate_reports import FORMATS

    for path in reports:
        if path.suffix not in FORMATS:
            raise UsageError(f"A report is {', '.join(FORMATS)}, not '{path.name}'.")


def _write_reports(found: Gate, reports: Sequence[Path]) -> None:
    from benchbench.atomic import atomic_write
    from benchbench.render.gate_reports import FORMATS

    texts = {path: FORMATS[path.suffix](found) for path in reports}
    for path, text in texts.items():
        with atomic_write(path) as temporary:
            temporary.write_text(printable(text), "utf-8")


def _code_block(what: str, text: str) -> Section:
    """Return a section with the text in a code block."""
    from benchbench.render.summaries import MIN_FREE, Section

    return Section("the message", f"## Gate: {what}\n\n~~~~text\n{text[: MIN_FREE // 4]}\n~~~~")


def _summarise(sections: Sequence[Section]) -> None:
    """Add the sections to the CI step's summary, where there is one; failure is only a warning."""
    from benchbench.errors import RunError
    from benchbench.render.summaries import add_to_summary

    name = os.environ.get("GITHUB_STEP_SUMMARY")
    if not name:
        return
    try:
        if not add_to_summary(Path(name), sections):
            click.echo("Warning: the step's summary is full, and the gate is not in it.", err=True)
    except RunError as error:
        say(f"Warning: {error}", err=True)
