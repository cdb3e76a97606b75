"""Progress on standard error: a bar on a terminal; elsewhere a line about every 15 seconds."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Self

    from benchbench.cli.events import EventLog

SECONDS_BETWEEN_LINES = 15.0
SECONDS_BETWEEN_EVENTS = 1.0
FORMAT = "{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_noinv_fmt}]"


class ProgressBar:
    """A ``benchbench.types.Progress`` for human readers, and for machines where there is a log."""

    def __init__(self, *, silent: bool = False, log: EventLog | None = None) -> None:
        self.encoded = False
        """Whether any input was encoded that an interrupted evaluation can reuse."""
        self.log = log
        self._silent = silent
        self._bar: Any = None
        self._what = ""
        self._is_terminal = sys.stderr.isatty()
        self._last = 0.0
        self._printed = ("", 0, 0)
        self._pace = _Pace()
        self._logged = 0.0
        self._runs_since = 0.0

    def __enter__(self) -> Self:
        """Return the bar."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the bar and the log."""
        self.close()
        if self.log:
            self.log.close()

    def __call__(self, what: str, done: int, total: int) -> None:
        """Print that ``done`` of ``total`` are finished."""
        self.encoded = self.encoded or (what in ("images", "captions", "pairs") and done > 0)
        self._pace.note(what, done)
        if self.log:
            self._write_event(self.log, what, done, total)
        if self._silent:
            return
        if self._is_terminal:
            self._show_bar(what, done, total)
        else:
            self._print_line(what, done, total)

    def from_store(self, what: str, n: int) -> None:
        """Note that n of a stage's inputs come from the store; the speed is that of the others."""
        self._pace.skip(what, n)

    def several(self, done: int, total: int) -> None:
        """Print how many of several runs are finished, and the time left for all."""
        now = time.monotonic()
        if not done:
            self._runs_since = now
            return
        each = (now - self._runs_since) / done
        left = round(each * (total - done), 1)
        self.event("runs", done=done, total=total, seconds_left=left)
        if not self._silent and done < total:
            line = f"runs: {done:,} of {total:,}, about {left:,.0f} s left"
            print(line, file=sys.stderr, flush=True)  # noqa: T201

    def event(self, name: str, **content: Any) -> None:
        """Write an event, where there is a log."""
        if self.log:
            self.log.write(name, **content)

    def close(self) -> None:
        """Close the bar, and leave its last state on the screen."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _write_event(self, log: EventLog, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if 0 < done < total and now - self._logged < SECONDS_BETWEEN_EVENTS:
            return
        self._logged, rate = now, self._pace.rate
        left = round((total - done) / rate, 1) if rate else None
        log.write(
            "progress", stage=what, done=done, total=total,
            per_second=round(rate, 2) if rate else None, seconds_left=left,
            from_store=self._pace.stored,
        )  # fmt: skip

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
        if (what, done, total) == self._printed:
            return
        if what == self._what and done < total and now - self._last < SECONDS_BETWEEN_LINES:
            return
        self._what, self._last, self._printed = what, now, (what, done, total)
        if total == 1 and not done:
            print(f"{what} …", file=sys.stderr, flush=True)  # noqa: T201
        elif done and total > 1:
            line = f"{what}: {done:,} of {total:,}{self._pace.text(total - done)}"
            print(line, file=sys.stderr, flush=True)  # noqa: T201


class _Pace:
    """The speed of the present stage, since its first report; what is stored does not count."""

    def __init__(self) -> None:
        self._what = ""
        self._first = self._done = 0
        self._now = self._start = 0.0
        self.stored = 0
        """The stage's inputs that came from the store."""

    def note(self, what: str, done: int) -> None:
        """Note that ``done`` of a stage are finished."""
        self._now = time.monotonic()
        if what != self._what or done < self._done:
            self._what, self._first, self._start, self.stored = what, done, self._now, 0
        self._done = done

    def skip(self, what: str, n: int) -> None:
        """Note that n more inputs of the stage, which began, come from the store."""
        if what == self._what:
            self.stored += n

    @property
    def rate(self) -> float | None:
        """Return the inputs per second that are computed; None before the first."""
        seconds, n = self._now - self._start, self._done - self._first - self.stored
        return n / seconds if n > 0 and seconds > 0 else None

    def text(self, left: int) -> str:
        """Return the speed, the time left and the share from the store, in brackets, as known."""
        rate, told = self.rate, []
        if rate:
            told.append(f"{rate:,.1f}/s")
        if rate and left:
            told.append(f"{left / rate:,.0f} s left")
        if self.stored:
            told.append(f"{100 * self.stored / self._done:.0f} % from the store")
        return f" ({', '.join(told)})" if told else ""
