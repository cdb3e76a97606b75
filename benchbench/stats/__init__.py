"""Estimates with their uncertainty: arrays in, numbers out."""

from benchbench.stats.bootstrap import bootstrap_draws, expanded_percentiles
from benchbench.stats.means import Mean, mean_over_groups
from benchbench.stats.spread import Spread, between_seeds
from benchbench.stats.wilson import wilson_interval

__all__ = [
    "Mean",
    "Spread",
    "between_seeds",
    "bootstrap_draws",
    "expanded_percentiles",
    "mean_over_groups",
    "wilson_interval",
]
