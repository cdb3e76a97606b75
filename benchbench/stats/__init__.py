"""Statistics: estimates with their uncertainty, and comparisons of models; arrays in, numbers out.

One run: ``means``, ``medians``, ``bootstrap``, ``intervals``. Several models on the same items:
``panel`` holds the contributions of their clusters; ``flips``, ``families``, ``ranks`` and
``power`` read it.
"""

from benchbench.stats.bootstrap import bootstrap_draws, expanded_percentiles
from benchbench.stats.families import benjamini_hochberg, holm, step_down
from benchbench.stats.flips import Flips, flip
from benchbench.stats.intervals import Method, bca, clustered_t, interval, intervals
from benchbench.stats.means import Mean, mean_over_groups
from benchbench.stats.medians import Median, median_over_items
from benchbench.stats.paired_tests import label_swap_p, mcnemar
from benchbench.stats.panel import Panel, overall, panel
from benchbench.stats.power import detectable, needed
from benchbench.stats.ranks import Ranks, letters, rank_sets
from benchbench.stats.seeds import Spread, between_seeds, welch
from benchbench.stats.wilson import share_interval, wilson_interval

__all__ = [
    "Flips",
    "Mean",
    "Median",
    "Method",
    "Panel",
    "Ranks",
    "Spread",
    "bca",
    "benjamini_hochberg",
    "between_seeds",
    "bootstrap_draws",
    "clustered_t",
    "detectable",
    "expanded_percentiles",
    "flip",
    "holm",
    "interval",
    "intervals",
    "label_swap_p",
    "letters",
    "mcnemar",
    "mean_over_groups",
    "median_over_items",
    "needed",
    "overall",
    "panel",
    "rank_sets",
    "share_interval",
    "step_down",
    "welch",
    "wilson_interval",
]
