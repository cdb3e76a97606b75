"""How often comparisons claim what is not there: p-values and families under a null that is known.

Models of equal skill answer items of which several share an image; the answers of an image are
correlated. Of one pair, p-values should be uniform; of a table of models, any claim at all should
be made in at most α of the tables. Beside benchbench's tests stand those that take items as
independent: McNemar's for a pair, and the same with Holm for a table.

    python benchmarks/errors.py
"""

from __future__ import annotations

import click
import numpy as np
from scipy.stats import kstest

from benchbench.stats import flip, holm, mcnemar, panel, step_down

ALPHA = 0.05


def answers(
    models: int, clusters: np.ndarray, share: float, rng: np.random.Generator
) -> np.ndarray:
    """Right or wrong: [items, models], equally likely for every model.

    A share of what decides is the model's own luck with an image.
    """
    images = clusters.max() + 1
    common = rng.normal(size=(len(clusters), 1))
    of_image = rng.normal(size=(images, models))[clusters]
    own = rng.normal(size=(len(clusters), models))
    latent = common + np.sqrt(share) * of_image + np.sqrt(1 - share) * own
    return (latent < 0.3).astype(float)


@click.command()
@click.option("--simulations", default=10_000, show_default=True)
@click.option("--models", default=6, show_default=True)
@click.option("--draws", default=1000, show_default=True)
def main(simulations: int, models: int, draws: int) -> None:
    """Print a row a setting."""
    click.echo(
        "| clusters | share of an image | test | claims at 0.05 | uniform? (KS p) | any claim |"
    )
    click.echo("|---:|---:|---|---:|---:|---:|")
    for n_clusters in (20, 100, 300):
        for share in (0.0, 0.25, 0.5):
            rng = np.random.default_rng([n_clusters, int(100 * share)])
            clusters = np.repeat(np.arange(n_clusters), 5)
            groups = np.zeros_like(clusters)
            ours, naive, any_ours, any_naive = [], [], 0, 0
            for seed in range(simulations):
                values = answers(models, clusters, share, rng)
                table = panel(values, groups, clusters)
                flips = flip(table, table.pairs(), draws=draws, seed=seed)
                ours.append(flips.p_values()[0])
                any_ours += step_down(flips).min() < ALPHA
                # McNemar's tests of all pairs are slow; a tenth of the tables shows enough.
                if seed < simulations // 10:
                    raw = [mcnemar(values[:, a], values[:, b]) for a, b in table.pairs()]
                    naive.append(raw[0])
                    any_naive += min(holm(raw)) < ALPHA
            for name, found, claims in (
                ("benchbench", ours, any_ours), ("items independent", naive, any_naive)
            ):  # fmt: skip
                jitter = rng.uniform(-0.5, 0.5, len(found)) / (draws + 1)
                uniform = kstest(np.clip(np.array(found) + jitter, 0, 1), "uniform").pvalue
                click.echo(
                    f"| {n_clusters} | {share:.2f} | {name} | {100 * np.mean(np.array(found) < ALPHA):.1f} % "
                    f"| {uniform:.2g} | {100 * claims / len(found):.1f} % |"
                )


if __name__ == "__main__":
    main()
