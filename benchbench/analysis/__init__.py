"""Runs in, numbers out: scorecards, paired runs, comparisons, leaderboards, gates."""
