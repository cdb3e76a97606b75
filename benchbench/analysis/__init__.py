"""Runs in, numbers out: scorecards, paired runs, comparisons, leaderboards, gates.

Nothing here formats text. The ``str`` of a result is its text for a terminal, which a function of
``render`` returns; ``FORMS`` names these functions, so that no module here imports ``render``.
"""

from __future__ import annotations

from importlib import import_module

FORMS: dict[str, str] = {}
"""Class of a result → ``module:function`` of its text; ``benchbench/__init__.py`` fills it."""


class Result:
    """A result whose ``str`` is its text for a terminal."""

    __slots__ = ()

    def __str__(self) -> str:
        """Return the text for a terminal."""
        module, _, function = FORMS[type(self).__name__].partition(":")
        return str(getattr(import_module(module), function)(self))
