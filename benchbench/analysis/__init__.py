"""Runs in, numbers out: scorecards, paired runs, comparisons, leaderboards, gates.

Nothing here formats text. The ``str`` of a result is its text for a terminal, and ``render`` writes
it (``results``).
"""
