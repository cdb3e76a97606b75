"""The page's section about members that were trained on two devices."""

from __future__ import annotations

from statistics import stdev
from typing import TYPE_CHECKING

from benchmarks.variants_tables import NONE, between, points, short, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.variants_tables import Results


def bridged(results: Results) -> Iterator[str]:
    """Show what another device changes, where a member was trained on two."""
    if not results.record.bridges:
        return
    yield from ("## The same training on another device", "")
    yield (
        "Members that were trained again on another device and in another precision, with the same "
        f"seed, start and number of examples.{_pools(results)} Versions of libraries differ, too, "
        "and a start that was bundled is in float16. A difference of a claim across devices holds "
        "one of this kind; a claim whose models were both trained on the second device does not. "
        "It is of one seed: how far apart seeds of one device are stands beside it."
    )
    yield from ("", *_table(results), "")


def _pools(results: Results) -> str:
    """Describe the pools of examples of trainings on two devices, where they differ."""
    said = {}
    for each in results.record.bridges:
        of_both = (r for r in results.record.runs if (r.member, r.seed) == (each.member, each.seed))
        pools = {run.on: run.distinct for run in of_both if run.distinct}
        one, other = pools.get(each.on), pools.get(each.other)
        if one and other and one != other:
            said[each.member] = (
                f" `{each.member}` saw {one:,} distinct examples on {short(each.on)} and {other:,} "
                f"on {short(each.other)}, in other orders."
            )
    return "".join(said.values())


def _table(results: Results) -> list[str]:
    """Return the differences between trainings of one member on two devices."""
    rows = []
    for each in results.record.bridges:
        scores = [results.record.score(each.seed, each.member, each.task, on)
                  for on in (each.on, each.other)]  # fmt: skip
        own = [
            run.scores[each.task]
            for run in results.record.runs
            if (run.member, run.on) == (each.member, each.other) and each.task in run.scores
        ]
        spread = f"{stdev(own):.1f} ({len(own)})" if len(own) > 1 else NONE
        shares = [x / 100 for x in (each.difference, each.low, each.high)]
        rows.append([
            each.member, f"{each.seed}", f"{short(each.on)} − {short(each.other)}", each.task,
            *(points(x / 100, signed=False) for x in scores), points(shares[0]),
            between(*shares[1:]), spread,
        ])  # fmt: skip
    head = ["member", "seed", "trained on", "task", "first", "second", "difference",
            f"{100 * (1 - 2 * results.claims.level):g} % over items",
            "standard deviation over seeds of the second"]  # fmt: skip
    return table(head, rows, 1)
