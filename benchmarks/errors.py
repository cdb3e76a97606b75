"""Measure how often comparisons claim a difference that is not there, under a known null.

Models of equal skill answer items of which several share an image; the answers of an image are
correlated. Of one pair, a share α of p-values should be at most α; of a table of models, any claim
at all should be made in at most α of the tables. Beside benchbench's tests stand those that take
items as independent: McNemar's for a pair, and the same with Holm for a table.

    python benchmarks/errors.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import numpy as np

from benchbench.stats import flip, holm, mcnemar, panel, step_down

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Array = np.ndarray[Any, Any]
ALPHA = 0.05
ALPHAS = (0.01, 0.05, 0.1, 0.5)


def answers(models: int, clusters: Array, share: float, rng: np.random.Generator) -> Array:
    """Draw answers, right or wrong: [items, models], equally likely for every model.

    A share of what decides is the model's own luck with an image.
    """
    images = clusters.max() + 1
    common = rng.normal(size=(len(clusters), 1))
    of_image = rng.normal(size=(images, models))[clusters]
    own = rng.normal(size=(len(clusters), models))
    latent = common + np.sqrt(share) * of_image + np.sqrt(1 - share) * own
    return np.asarray(latent < 0.3, dtype=float)


@click.command()
@click.option("--simulations", default=10_000, show_default=True)
@click.option("--models", default=6, show_default=True)
@click.option("--draws", default=1000, show_default=True)
@click.option("--clusters", multiple=True, default=(20, 100, 300, 900), show_default=True)
def main(simulations: int, models: int, draws: int, clusters: Sequence[int]) -> None:
    """Print a row for each setting."""
    heads = " | ".join(f"p ≤ {alpha:g}" for alpha in ALPHAS)
    click.echo(f"| clusters | share of an image | test | {heads} | any claim in a table |")
    click.echo("|---:|---:|---|" + "---:|" * (len(ALPHAS) + 1))
    for n_clusters in clusters:
        for share in (0.0, 0.25, 0.5):
            for row in rows(n_clusters, share, simulations, models, draws):
                click.echo(f"| {n_clusters} | {share:.2f} | {row} |")


def rows(n_clusters: int, share: float, simulations: int, models: int, draws: int) -> Iterator[str]:
    """Return how often our tests and the naive tests claim a difference in one setting."""
    rng = np.random.default_rng([n_clusters, int(100 * share)])
    clusters = np.repeat(np.arange(n_clusters), 5)
    ours: list[tuple[float, bool]] = []
    naive: list[tuple[float, bool]] = []
    for seed in range(simulations):
        values = answers(models, clusters, share, rng)
        table = panel(values, np.zeros_like(clusters), clusters)
        flips = flip(table, table.pairs(), draws=draws, seed=seed)
        ours.append((flips.p_values()[0], step_down(flips).min() < ALPHA))
        # McNemar's tests of all pairs are slow; a tenth of the tables shows enough.
        if seed < simulations // 10:
            raw = [mcnemar(values[:, a], values[:, b]) for a, b in table.pairs()]
            naive.append((raw[0], min(holm(raw)) < ALPHA))
    for name, found in (("benchbench", ours), ("items independent", naive)):
        p_values, claims = np.array(found).T
        sizes = [f"{100 * np.mean(p_values <= alpha):.1f} %" for alpha in ALPHAS]
        yield " | ".join([name, *sizes, f"{100 * claims.mean():.1f} %"])


if __name__ == "__main__":
    main()
