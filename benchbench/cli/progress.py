"""Progress on standard error: a bar on a terminal; elsewhere a line about every 15 seconds."""

from __future__ import annotations

import sys
import time
from typing import Any

SECONDS_BETWEEN_LINES = 15.0
FORMAT = "{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}]"


class ProgressBar:
    """A ``benchbench.types.Progress`` for human readers."""

    def __init__(self, *, silent: bool = False) -> None:
        self.encoded = False
        """Whether any input was encoded that an interrupted evaluation can reuse."""
        self._silent = silent
        self._bar: Any = None
        self._what = ""
        self._is_terminal = sys.stderr.isatty()
        self._last = 0.0

    def __call__(self, what: str, done: int, total: int) -> None:
        """Print that ``done`` of ``total`` are finished."""
        self.encoded = self.encoded or (what in ("images", "captions", "pairs") and done > 0)
        if self._silent:
            return
        if self._is_terminal:
            self._show_bar(what, done, total)
        else:
            self._print_line(what, done, total)

    def close(self) -> None:
        """Close the bar, and leave its last state on the screen."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _show_bar(self, what: str, done: int, total: int) -> None:
        from tqdm import tqdm

        if what != self._what or not done:  # the same stage may run again, for another role
            self.close()
            self._bar = tqdm(
                total=total, desc=f"{what:>8}", bar_format=FORMAT, ncols=80, file=sys.stderr
            )
            self._what = what
        if self._bar is not None:
            self._bar.update(done - self._bar.n)

    def _print_line(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if what == self._what and done < total and now - self._last < SECONDS_BETWEEN_LINES:
            return
        self._what, self._last = what, now
        if total == 1 and not done:
            print(f"{what} …", file=sys.stderr, flush=True)  # noqa: T201
        elif done and total > 1:
            print(f"{what}: {done:,} of {total:,}", file=sys.stderr, flush=True)  # noqa: T201
