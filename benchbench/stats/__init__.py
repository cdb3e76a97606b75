"""Estimates with their uncertainty: arrays in, numbers out."""

from benchbench.stats.bootstrap import GroupedMean, grouped_means, percentile_interval
from benchbench.stats.wilson import wilson_interval

__all__ = ["GroupedMean", "grouped_means", "percentile_interval", "wilson_interval"]
