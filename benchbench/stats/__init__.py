"""Estimates with their uncertainty: arrays in, numbers out."""

from benchbench.stats.bootstrap import bootstrap_draws, expanded_percentiles
from benchbench.stats.means import Mean, mean_over_groups
from benchbench.stats.medians import Median, median_over_items
from benchbench.stats.spread import Spread, between_seeds
from benchbench.stats.wilson import wilson_interval

__all__ = [
    "Mean",
    "Median",
    "Spread",
    "between_seeds",
    "bootstrap_draws",
    "expanded_percentiles",
    "mean_over_groups",
    "median_over_items",
    "wilson_interval",
]
