"""``benchbench plan``, ``work``, ``missing``, ``merge``: tables of many models and tasks."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import click

from benchbench.cli import options
from benchbench.cli.output import say

if TYPE_CHECKING:
    from collections.abc import Sequence


plan_argument = click.argument("plan_file", metavar="PLAN")
out_option = click.option(
    "--out", default="runs", show_default=True, metavar="DIR", help="The folder of runs."
)
quiet_option = click.option("--quiet", is_flag=True, help="No progress.")
shards_option = click.option(
    "--shards",
    type=options.COUNT,
    metavar="N",
    help="The number of workers.  [default: as recorded, or one for each model]",
)


@click.command("plan")
@click.option("--model", "models", multiple=True, help="E.g. openclip:ViT-B-32/openai; repeatable.")
@click.option(
    "--task", "tasks", multiple=True, help="E.g. vg-relation, suite:aro or all; repeatable."
)
@click.option("--models-from", metavar="FILE", help="Also the models of a file, one a line.")
@click.option("--tasks-from", metavar="FILE", help="Also the tasks of a file, one a line.")
@options.data_root_option
@options.edition_option
@options.precision_option
@options.batch_size_option
@options.seed_option
@options.loading_options
@click.option("--limit", type=options.COUNT, help="At most so many items of a task.")
@click.option(
    "--on-missing",
    type=click.Choice(["error", "skip"]),
    default="error",
    show_default=True,
    help="What to do about an image that cannot be read.",
)
@click.option(
    "--tflops",
    type=options.Number(min=0, min_open=True),
    help="Also print the hours on a device that sustains so many TFLOP/s.",
)
@click.option("--out", required=True, metavar="FILE", help="The plan's .parquet file.")
@quiet_option
def plan_command(
    models: Sequence[str],
    tasks: Sequence[str],
    models_from: str | None,
    tasks_from: str | None,
    tflops: float | None,
    out: str,
    quiet: bool,
    **settings: Any,
) -> int:
    """Plan the evaluation of several models on several tasks.

    Loads every model once, on the CPU; reads annotations and the headers of image files; writes the
    plan: what is encoded, with the digests of checkpoints and annotations. Prints a row for each
    model on each task, and how many inputs the tasks share.

    Exit codes: 0 if everything can be evaluated, 1 if data or weights are missing (the plan is
    written, and says which).
    """
    from benchbench.cli.progress import ProgressBar
    from benchbench.engines.planning import make_plan
    from benchbench.engines.plans import PlanSettings, check_plan_name, write_plan
    from benchbench.files import expand_path
    from benchbench.render.plan import plan_text
    from benchbench.types import LOAD_EXTRAS

    check_plan_name(expand_path(out))
    extras = {name: settings.pop(name) for name in LOAD_EXTRAS}
    chosen = PlanSettings(**settings, extras={k: v for k, v in extras.items() if v})
    bar = ProgressBar(silent=quiet)
    plan = make_plan(
        [*models, *_lines(models_from)], [*tasks, *_lines(tasks_from)], chosen, progress=bar
    )
    bar.close()
    path = write_plan(plan, out)
    click.echo(plan_text(plan, tflops))
    click.echo()
    say(f"plan  {path}")
    problems = [cell.problem for cell in plan.cells]
    if not all(problems):
        say(f"next  benchbench work {shlex.quote(str(path))}")
    return 1 if any(problems) else 0


def _lines(file: str | None) -> list[str]:
    """Return the lines of a file; empty ones, and those that begin with #, are left out.

    Raises:
        UsageError: it cannot be read, or holds none.
    """
    from benchbench.errors import UsageError
    from benchbench.files import expand_path, read_text

    if file is None:
        return []
    try:
        lines = [line.strip() for line in read_text(expand_path(file)).splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"Cannot read {file}: {getattr(error, 'strerror', None) or error}."
        ) from error
    if not (found := [line for line in lines if line and not line.startswith("#")]):
        raise UsageError(f"{file} holds no line. Write one model or task a line.")
    return found


@click.command("work")
@plan_argument
@click.option(
    "--shard",
    metavar="I/N",
    help="Only this worker's share: 0/4 to 3/4.  [default: RANK/WORLD_SIZE of torchrun or "
    "accelerate, otherwise everything]",
)
@click.option(
    "--engine",
    type=click.Choice(["local", "slurm", "ray"]),
    help="Start the workers: as processes of this machine, one for each GPU or CPU (local), as a "
    "job array (slurm), or as actors of a cluster (ray).",
)
@click.option(
    "--processes",
    type=options.COUNT,
    metavar="N",
    help="With --engine local, the number of processes; more than GPUs share these.",
)
@click.option(
    "--shards",
    type=options.COUNT,
    metavar="N",
    help="With --engine slurm or ray, the number of shards.  [default: one for each model]",
)
@click.option(
    "--at-once", type=options.COUNT, metavar="K", help="With --engine slurm, jobs at a time."
)
@click.option(
    "--sbatch",
    multiple=True,
    metavar="OPTION",
    help="With --engine slurm, an option of sbatch: gres=gpu:1; repeatable.",
)
@click.option(
    "--address", metavar="HOST:PORT", help="With --engine ray, the cluster.  [default: one here]"
)
@click.option(
    "--gpus",
    type=options.Number(min=0, max=1, min_open=True),
    help="With --engine ray, the share of a GPU that an actor gets.  [default: by the plan's "
    "estimate of memory]",
)
@click.option("--dry-run", is_flag=True, help="With --engine slurm, print the script alone.")
@options.device_option
@out_option
@options.log_option
@quiet_option
def work_command(
    plan_file: str,
    shard: str | None,
    engine: str | None,
    processes: int | None,
    shards: int | None,
    at_once: int | None,
    sbatch: Sequence[str],
    dry_run: bool,
    address: str | None,
    gpus: float | None,
    device: str,
    out: str,
    log_json: str | None,
    quiet: bool,
) -> int:
    """Evaluate a plan's models, or one worker's share of them.

    Writes a run for each model on each task that has none in the folder of runs. Where there are
    more workers than models, several workers encode one model's inputs into the store of encodings;
    merge then writes the runs.

    Exit codes: 0 if the share is done, 2 if a model on a task failed.
    """
    from benchbench.cli.workers import (
        progress_of,
        report_results,
        submit_jobs,
        work_locally,
        work_on_ray,
    )
    from benchbench.engines.plans import read_plan
    from benchbench.engines.shards import parse_shard
    from benchbench.engines.working import work
    from benchbench.errors import UsageError
    from benchbench.files import expand_path

    plan = read_plan(plan_file)
    if engine and shard:
        raise UsageError("An engine starts all shards: leave out --shard or --engine.")
    if processes and engine != "local":
        raise UsageError("--processes is of --engine local.")
    if (at_once or sbatch or dry_run) and engine != "slurm":
        raise UsageError("--at-once, --sbatch and --dry-run are of --engine slurm.")
    if (shards and engine not in ("slurm", "ray")) or ((address or gpus) and engine != "ray"):
        raise UsageError(
            "--shards is of --engine slurm and ray, --address and --gpus of --engine ray."
        )
    folder = expand_path(out)
    if engine == "local":
        return work_locally(plan, expand_path(plan_file), folder, processes, device, quiet)
    count = shards or len(plan.models)
    if engine == "ray":
        return work_on_ray(
            plan, expand_path(plan_file), folder, count, address, gpus, device, quiet
        )
    if engine == "slurm":
        return submit_jobs(plan, expand_path(plan_file), folder, count, at_once, sbatch, dry_run)
    with progress_of(quiet, log_json) as bar:
        results = work(plan, parse_shard(shard), folder, device=device, progress=bar)
        return report_results(results, bar, folder)


@click.command("missing")
@plan_argument
@out_option
@shards_option
def missing_command(plan_file: str, out: str, shards: int | None) -> int:
    """Print what is left of a plan, and the workers to start again.

    Reads the folder of runs. Exit codes: 0 if all runs are there, 1 if some are missing.
    """
    from benchbench.engines.completion import check_completion
    from benchbench.engines.plans import read_plan
    from benchbench.files import expand_path
    from benchbench.render.plan import completion_text

    state = check_completion(read_plan(plan_file), expand_path(out), shards)
    click.echo(completion_text(state))
    place = f"{shlex.quote(plan_file)} --out {shlex.quote(out)}"
    if state.shards:
        several = ", and so on" * (len(state.shards) > 1)
        say(f"next  benchbench work {place} --shard {state.shards[0]}/{state.count}{several}")
    elif state.to_merge:
        say(f"next  benchbench merge {place} --shards {state.count}")
    return 1 if state.left else 0


@click.command("merge")
@plan_argument
@out_option
@shards_option
@click.option(
    "--encode-missing", is_flag=True, help="Encode here what no worker has stored, or finished."
)
@options.device_option
@options.log_option
@quiet_option
def merge_command(
    plan_file: str,
    out: str,
    shards: int | None,
    encode_missing: bool,
    device: str,
    log_json: str | None,
    quiet: bool,
) -> int:
    """Write the runs of a plan from what its workers stored.

    The runs equal those of a single process on the workers' kind of machine, to the bit. Exit
    codes: 0 if all runs are there, 2 if a run could not be written.
    """
    from benchbench.cli.workers import progress_of, report_results
    from benchbench.engines.completion import check_completion
    from benchbench.engines.merging import merge_runs
    from benchbench.engines.plans import read_plan
    from benchbench.files import expand_path

    plan, folder = read_plan(plan_file), expand_path(out)
    with progress_of(quiet, log_json) as bar:
        results = merge_runs(
            plan, folder, count=shards, encode_missing=encode_missing, device=device, progress=bar
        )
        code = report_results(results, bar, folder)
    done = len(check_completion(plan, folder, shards).done)
    say(f"{done:,} of {len(plan.cells):,} runs are in {folder}.")
    return code
