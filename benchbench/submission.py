"""Submissions to a public leaderboard: a branch with runs and pages, and the check of one.

``submit`` makes the branch in a checkout of the leaderboard's repository, in a worktree of its own:
the checkout itself stays as it is, and nothing is sent. ``check_submission`` is what the
leaderboard's CI runs on the branch: the changes are new runs and the pages that follow from them,
each run is eligible (``analysis.eligibility``), and every number on the pages is computed again.
"""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchbench.analysis.eligibility import ineligible
from benchbench.errors import BenchbenchError, RunError, UsageError
from benchbench.files import exists, expand_path, is_folder
from benchbench.render.pages import GENERATED, RUNS, slug
from benchbench.render.publication import compare_pages, publish, read_published
from benchbench.run_files import git
from benchbench.runs import SUFFIX, read_run, seal_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchbench.types import Run


@dataclass(frozen=True, slots=True)
class Submission:
    """A branch with runs and the pages that follow from them."""

    root: Path
    """The checkout of the leaderboard's repository."""
    branch: str
    files: tuple[str, ...]
    """Changed files, relative to the root."""


@dataclass(frozen=True, slots=True)
class SubmissionCheck:
    """The result of a check of a branch."""

    runs: tuple[Run, ...]
    """The new runs."""
    problems: tuple[str, ...]
    """Why the branch is refused, one sentence each; empty if it is not."""


def submit(
    runs: Sequence[Run], board: str | Path, *, base: str = "HEAD", allow_imported: bool = False
) -> Submission:
    """Make a branch with runs and all pages of their editions, for a pull request.

    Args:
        runs: whole runs of models that are not on the board.
        board: the folder of leaderboards, in a checkout of its repository.
        base: the commit that the branch begins at.
        allow_imported: whether results that somebody else measured are submitted, marked as such.

    Raises:
        UsageError: a run is not eligible (the message says why), the folder is not in a git
            repository, or there is such a branch.
        RunError: git fails, or the pages cannot be written.
    """
    if not runs:
        raise UsageError("No run was given. Name a run file, or a folder of run files.")
    root, inside = _repository(board)
    _check_reference(base)
    _check_identity(root)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / "work"
        git(str(root), "worktree", "add", "--quiet", "--detach", str(work), base, cwd=root)
        try:
            return _committed(runs, root, work, inside, allow_imported)
        finally:
            git(str(root), "worktree", "remove", "--force", str(work), cwd=root)


def _committed(
    runs: Sequence[Run], root: Path, work: Path, inside: str, allow_imported: bool
) -> Submission:
    """Publish runs in a worktree, commit what has changed, and name the commit by a branch."""
    to = work / inside
    if not any(to.glob(f"*/{RUNS}")):
        raise UsageError(
            f"{root / inside} holds no published runs. Name the folder of leaderboards: --board DIR"
        )
    problems = _problems(runs, _published(to, runs), allow_imported)
    if problems:
        raise UsageError("; ".join(problems) + ". Leave out what is refused.")
    branch = _branch(runs)
    if git(str(root), "branch", "--list", branch, cwd=root).strip():
        raise UsageError(
            f"The branch {branch} is there already, in {root}. Push it, or delete it: git branch "
            f"-D {branch}"
        )
    publish(runs, to)
    git(str(root), "add", "--all", "--", inside, cwd=work)
    names = git(str(root), "diff", "--cached", "--name-only", "-z", cwd=work)
    git(str(root), "commit", "--quiet", "--message", _message(runs), cwd=work)
    git(str(root), "branch", branch, _text(git(str(root), "rev-parse", "HEAD", cwd=work)), cwd=root)
    return Submission(root, branch, tuple(_split(names)))


def check_submission(
    board: str | Path, *, base: str, allow_imported: bool = False
) -> SubmissionCheck:
    """Check the commits of a branch that submits runs, in a checkout of it.

    Args:
        board: the folder of leaderboards, in a checkout of the branch.
        base: the branch that it is to be merged into: ``origin/main``.
        allow_imported: whether results that somebody else measured are accepted.

    Raises:
        UsageError: the folder is not in a git repository, or holds no runs.
        RunError: there is no such commit.
    """
    root, inside = _repository(board)
    _check_reference(base)
    _check_commit(root, base)
    status = git(str(root), "status", "--porcelain", "-z", "--no-renames", "--", inside, cwd=root)
    problems = [f"{entry[3:]} is not committed" for entry in _split(status)]
    range_of = (base, "diff", "--no-renames", "--name-only", "-z")
    since = f"{base}...HEAD"
    changed = _split(git(*range_of, since, cwd=root))
    added = set(_split(git(*range_of, "--diff-filter=A", since, cwd=root)))
    prefix = "" if inside == "." else f"{inside}/"
    problems += [f"{name} is outside {inside}" for name in changed if not name.startswith(prefix)]
    problems += [f"{name} is a link" for name in changed if (root / name).is_symlink()]
    start = _text(git(base, "merge-base", base, "HEAD", cwd=root))
    removed = _split(git(*range_of, "--diff-filter=D", since, cwd=root))
    problems += [
        f"{name} is removed, and is not a page of runs"
        for name in removed
        if name.startswith(prefix) and not name.endswith(SUFFIX)
        if not _is_page(root, start, name)
    ]
    files = [name for name in changed if name.startswith(prefix) and name.endswith(SUFFIX)]
    problems += [f"{name} changes a published run" for name in files if name not in added]
    runs, broken = _read(root, prefix, [name for name in files if name in added])
    problems += broken or ([] if files else ["no run is added"])
    new = {_place(run) for run in runs}
    try:
        published = [run for run in _published(root / inside, runs) if _place(run) not in new]
        problems += _problems(runs, published, allow_imported)
        stale, pages = compare_pages(root / inside)
        problems += [f"{path.relative_to(root)} is not what its runs say" for path in stale]
        known = {path.relative_to(root).as_posix() for path in pages} | set(files)
        others = [name for name in changed if name.startswith(prefix) and exists(root / name)]
        problems += [
            f"{name} is neither a run nor a page of runs" for name in others if name not in known
        ]
    except BenchbenchError as error:
        problems.append(str(error).rstrip("."))
    return SubmissionCheck(tuple(runs), tuple(dict.fromkeys(problems)))


def _is_page(root: Path, commit: str, name: str) -> bool:
    """Return whether a file of a commit is a page or a figure that follows from runs."""
    if name.endswith(".svg"):
        return "/plots/" in name
    return GENERATED.encode() in git(str(root), "show", f"{commit}:{name}", cwd=root)


def _read(root: Path, prefix: str, names: Iterable[str]) -> tuple[list[Run], list[str]]:
    """Return the runs of some files, and what is wrong with files that are none, or misplaced."""
    runs, problems = [], []
    for name in names:
        try:
            run = read_run(root / name)
        except BenchbenchError as error:
            problems.append(str(error).rstrip("."))
            continue
        runs.append(run)
        if name != f"{prefix}{'/'.join(_place(run))}{SUFFIX}":
            problems.append(f"{name} is not where its run belongs")
    return runs, problems


def _place(run: Run) -> tuple[str, str, str, str]:
    """Return where a board keeps a run, without the suffix."""
    return run.edition, RUNS, run.task, slug(run.model.name)


def _published(to: Path, runs: Iterable[Run]) -> list[Run]:
    """Return the runs of a board on the tasks and editions of others."""
    places = dict.fromkeys((run.edition, run.task) for run in runs)
    return [
        run
        for edition, task in places
        for run in read_published(to / edition, task).get(task, {}).values()
    ]


def _problems(runs: Sequence[Run], published: Sequence[Run], allow_imported: bool) -> list[str]:
    """Return why runs are not eligible, each with its run's name."""
    found = []
    for number, run in enumerate(runs):
        others = [*published, *runs[:number]]
        for reason in ineligible(run, others, imported=allow_imported):
            found.append(f"{run.model.name} on {run.task}@{run.edition}: {reason}")
    return found


def _repository(board: str | Path) -> tuple[Path, str]:
    """Return the root of the checkout that a folder is in, and the folder relative to it."""
    path = expand_path(board)
    if not is_folder(path):
        raise UsageError(f"{path} is not a folder: clone the leaderboard's repository first.")
    try:
        root = Path(_text(git(str(path), "rev-parse", "--show-toplevel", cwd=path)))
    except RunError as error:
        raise UsageError(
            f"{path} is not in a git repository: clone the leaderboard's first, and name the "
            f"folder there. ({error})"
        ) from error
    return root, path.resolve().relative_to(root.resolve()).as_posix()


def _check_reference(base: str) -> None:
    if not base.strip() or base.startswith("-"):
        raise UsageError(f"--base should name a commit or a branch; it is '{base}'.")


def _check_commit(root: Path, base: str) -> None:
    try:
        git(base, "rev-parse", "--verify", "--quiet", f"{base}^{{commit}}", cwd=root)
    except RunError:
        raise RunError(
            f"There is no commit or branch '{base}' in {root}. Name the branch that the submission "
            "is merged into, as --base main, or fetch it: git fetch origin"
        ) from None


def _check_identity(root: Path) -> None:
    """Refuse before any work is done where git would refuse the commit."""
    try:
        git(str(root), "var", "GIT_AUTHOR_IDENT", cwd=root)
        git(str(root), "var", "GIT_COMMITTER_IDENT", cwd=root)
    except RunError as error:
        raise UsageError(
            f"git does not know who commits in {root}. Type: git config user.name NAME, and git "
            "config user.email ADDRESS"
        ) from error


def _branch(runs: Sequence[Run]) -> str:
    """Return the name of the branch, which follows from the runs."""
    names = "-".join(dict.fromkeys(slug(run.model.name) for run in runs))
    digest = hashlib.sha256("".join(sorted(map(seal_of, runs))).encode()).hexdigest()[:8]
    return f"submission/{names[:60].strip('.-')}-{digest}".replace("..", ".")


def _message(runs: Sequence[Run]) -> str:
    models = dict.fromkeys(slug(run.model.name) for run in runs)
    tasks = dict.fromkeys(f"{run.task}@{run.edition}" for run in runs)
    return f"Runs of {', '.join(models)} on {', '.join(tasks)}"


def _text(output: bytes) -> str:
    return output.decode(errors="surrogateescape").strip()


def _split(output: bytes) -> list[str]:
    return [name for name in output.decode(errors="surrogateescape").split("\0") if name]
