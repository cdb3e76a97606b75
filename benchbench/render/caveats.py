"""Banners, warnings and notes above and below the numbers of every report."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from benchbench.analysis.reliability import is_heavy, is_rough
from benchbench.editions import banner_of, plain_edition
from benchbench.printable import sentence
from benchbench.protocols import load_protocol
from benchbench.render.text import NONE
from benchbench.selection import KEY as CHOSEN
from benchbench.selection import parse_selections
from benchbench.stats.bootstrap import RESAMPLES
from benchbench.stats.intervals import MANY_CLUSTERS, method_for
from benchbench.stats.means import FEW_CLUSTERS
from benchbench.types.runs import VARIATION

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from benchbench.analysis.common_items import CommonItems
    from benchbench.analysis.paired import SettingDifference
    from benchbench.stats import Method
    from benchbench.stats.intervals import Kind
    from benchbench.types import Run

MAX_FILES = 3
"""Unreadable files that the banner names."""
MAX_GROUPS = 12
"""Rare groups that a note names."""
UNRELIABLE = " ?"
"""Behind an interval that is unreliable."""
INTERVALS = {
    "wilson": "Wilson's with the effective number of items, by the jackknife over clusters (source "
    "images)",
    "t": "Student's t, by the jackknife over clusters (source images)",
    "percentile": "expanded percentiles of {resamples:,} bootstrap draws of clusters (source "
    "images)",
    "bca": "bias-corrected and accelerated (BCa), of {resamples:,} bootstrap draws of clusters "
    "(source images)",
}
"""Kind of interval → in words."""


def banners(run: Run) -> Iterator[str]:
    """Yield the banners above a run's numbers, one line each."""
    return map(sentence, _banners(run))


def edition_banner(run: Run) -> str:
    """Return the one of the banners that all runs on the edition have; "" if there is none."""
    return sentence(banner_of(run.edition))


def _banners(run: Run) -> Iterator[str]:
    if not run.model.trained:
        yield (
            f"UNTRAINED: {run.model.weights} weights. The numbers show that the path works and "
            "say nothing about a trained model."
        )
    if banner := banner_of(run.edition):
        yield banner
    if variation := run.settings.get(VARIATION):
        yield (
            f"VARIED: the items were shown with {variation}, not as the task has them (benchbench "
            "sweep). The numbers compare with those of the same setting alone."
        )
    if turned := run.counts.oriented:
        yield (
            f"TURNED: {turned:,} of {run.counts.images:,} images have an EXIF orientation. It is "
            "not applied, as upstream: models see them as the files store them, turned or mirrored."
        )
    yield from _imported_banners(run)
    if run.settings.get("without_images"):
        yield "WITHOUT IMAGES: no image was read, as the model needs none (--without-images)."
    if note := run.model.settings.get("note"):
        yield f"NOTE: {note}"
    yield from unsealed_warning(run)
    yield from _selection_banners(run)
    if run.partial:
        yield (
            f"PARTIAL: {run.counts.items:,} of {run.counts.items_in_edition:,} items, drawn by "
            f"whole images (--limit {run.settings.get('limit')}, --seed "
            f"{run.settings.get('seed')}). Not for publication.{_sample_remark(run)}"
        )
    if run.counts.skipped and run.unreadable:
        shown = [f"{path} ({reason})" for path, reason in list(run.unreadable.items())[:MAX_FILES]]
        more = len(run.unreadable) - len(shown)
        yield (
            f"SKIPPED: {run.counts.skipped:,} items, in none of the numbers, for "
            f"{len(run.unreadable):,} images that could not be read: {'; '.join(shown)}"
            f"{f'; and {more:,} more (--manifest)' if more else ''}.{_sample_remark(run)}"
        )


def _imported_banners(run: Run) -> Iterator[str]:
    """Yield that somebody else measured the run, and what was left out of it."""
    imported = run.imported
    if not imported:
        return
    source = imported.get("source") or {}
    place = "@".join(source[each] for each in ("repository", "commit") if source.get(each))
    where = ", ".join(each for each in (source.get("name"), place, source.get("license")) if each)
    what = "decisions without scores" if run.decisions_only else "scores"
    counts = (
        (imported.get("unreadable"), "answers cannot be read and count as wrong (as ties)"),
        (imported.get("unmatched"), "answers of the source have no item here"),
        (imported.get("duplicates"), "are second answers to an item and are left out"),
        (run.counts.skipped, "items have no answer and are in none of the numbers"),
    )
    remark = "; ".join(f"{number:,} {what}" for number, what in counts if number)
    yield f"IMPORTED: {what}, not measured here{f'; from {where}' if where else ''}."
    if remark:
        yield f"COUNTED: {remark}."


def unsealed_warning(run: Run) -> Iterator[str]:
    """Yield that a run's file has no seal, where it has none, and how to seal it."""
    if run.unsealed:
        yield (
            f"UNSEALED: the run file of {run.model.name} is of an earlier version and has no "
            "digest, so that a change or damage since it was written would not be noticed. "
            "Evaluate again, or seal it as it is now: benchbench publish FILE."
        )


def _selection_banners(run: Run) -> Iterator[str]:
    """Yield that the checkpoint was selected on the run's own items, where it was."""
    for selection in parse_selections(run.settings.get(CHOSEN, ())):
        if selection.covers(run.task, plain_edition(run.edition)):
            count = selection.validations
            among = f", of {count:,} that were evaluated," if count else ""
            yield (
                f"CHOSEN: {run.model.name} was chosen{among} by items of {run.task}"
                f"@{selection.edition or run.edition}. The best of several is partly the luckiest: "
                "its score on them is too high, and a gate on them lets too much through. Judge "
                "it on items that did not choose it."
            )


def _sample_remark(run: Run) -> str:
    """Return how the numbers of part of the items differ, where they do."""
    said = load_protocol(run.protocol).sample_note
    return f" {said}" if said else ""


def banners_of(runs: Iterable[Run]) -> dict[str, None]:
    """Return the banners of several runs, each once."""
    return dict.fromkeys(line for run in runs for line in banners(run))


def digest_note(runs: Iterable[Run]) -> Iterator[str]:
    """Yield that files are official by their content alone, where some are."""
    if any(run.unverified for run in runs):
        yield (
            "Unverified digest: the annotations are official by content (the number of records and "
            "of distinct images and captions, and some records); no digest of the published bytes "
            "is known to this version."
        )


def common_banner(common: CommonItems | None) -> Iterator[str]:
    """Yield on which items runs of several editions are compared, where they are."""
    if common is None:
        return
    of = dict.fromkeys(
        f"{items:,} of {edition}"
        for edition, items in zip(common.editions, common.items, strict=True)
    )
    yield sentence(
        f"COMMON ITEMS: all numbers are over the {common.n:,} items that are equal in all runs by "
        f"images, captions and truth: of {' and of '.join(of)}."
    )


def setting_warnings(found: Iterable[SettingDifference]) -> Iterator[str]:
    """Yield one warning per setting in which runs differ."""
    for name, models in found:
        values = "; ".join(f"{value}: {', '.join(names)}" for value, names in models.items())
        yield sentence(f"UNLIKE: {name} differs, and scores may differ for that alone. {values}.")


def interval_text(interval: str, low: float, rare_share: float) -> str:
    """Return an interval for a table: a dash if there is none, ``?`` if it is unreliable."""
    return NONE if math.isnan(low) else interval + UNRELIABLE * is_heavy(rare_share)


def too_few_images(n_clusters: int) -> str:
    """Return why a gate decides nothing.

    >>> too_few_images(2)
    '2 source images are too few: below 10 nothing is decided'
    """
    images = "source image is" if n_clusters == 1 else "source images are"
    return f"{n_clusters:,} {images} too few: below {FEW_CLUSTERS} nothing is decided"


def few_images(n_clusters: int) -> Iterator[str]:
    """Yield a note if intervals are rough."""
    if is_rough(n_clusters):
        yield (
            f"Note: {n_clusters} source images are few. Take intervals below "
            f"{MANY_CLUSTERS} as rough."
        )


def rare_groups_note(shares: Mapping[str, float], rare: Sequence[str]) -> Iterator[str]:
    """Yield the meaning of ``?``, where an interval has it.

    Args:
        shares: metric → weight of groups of few clusters in it.
        rare: those groups, as printable text.
    """
    heavy = {name: share for name, share in shares.items() if is_heavy(share)}
    if not heavy:
        return
    listed = ", ".join(rare[:MAX_GROUPS])
    more = len(rare) - MAX_GROUPS
    named = f" ({listed}{f' and {more} more' if more > 0 else ''})" if listed else ""
    yield (
        f"? unreliable: groups in under {FEW_CLUSTERS} clusters{named} carry up to "
        f"{100 * max(heavy.values()):.0f} % of the weight of {', '.join(heavy)}. Their spread is "
        "estimated from all such groups together."
    )


def interval_note(method: Method, kinds: Iterable[Kind], resamples: int = RESAMPLES) -> str:
    """Return in words which intervals some kinds of numbers have.

    >>> interval_note("auto", ["mean"])
    "Student's t, by the jackknife over clusters (source images)"
    """
    of: dict[str, list[str]] = {}
    for kind in dict.fromkeys(kinds):
        of.setdefault(method_for(kind, method), []).append(f"{kind}s")
    parts = [
        INTERVALS[each].format(resamples=resamples)
        + (f" for {' and '.join(kinds_of)}" if len(of) > 1 else "")
        for each, kinds_of in of.items()
    ]
    agreed = any(each != "wilson" and "shares" in kinds_of for each, kinds_of in of.items())
    return "; ".join(parts) + "; Wilson's where all agree" * agreed
