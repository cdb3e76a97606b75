"""Requests to an OpenAI-compatible server: retries, a rate limit, kept answers, what was spent.

Refusals that may pass (429, 5xx, a cut connection, silence, a reply that is not JSON) are tried
again, ``ATTEMPTS`` times in all: after Retry-After, for which every request waits, or else after 1,
2, 4, … seconds. Answers are kept in the cache folder by the whole request, so that the same
evaluation sends nothing again. The key is read from the environment when a request is sent, and is
removed from everything else: a server may repeat it.

BENCHBENCH_RATE_LIMIT is the largest number of requests a minute; BENCHBENCH_PRICE_IN and
BENCHBENCH_PRICE_OUT are the server's prices for a million tokens, in any currency.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import math
import os
import threading
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from benchbench.adapters.kept_answers import KeptAnswers
from benchbench.datasets.replies import OPENER, retry_seconds
from benchbench.errors import ModelError, UsageError
from benchbench.files import parse_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from benchbench.types import LoadOptions

    Answer = TypeVar("Answer")

KEY, BASE_URL = "OPENAI_API_KEY", "OPENAI_BASE_URL"
"""Variables of the environment."""
RATE_LIMIT = "BENCHBENCH_RATE_LIMIT"
PRICE_IN, PRICE_OUT = "BENCHBENCH_PRICE_IN", "BENCHBENCH_PRICE_OUT"
ATTEMPTS = 6
TIMEOUT = 120.0
"""Seconds without an answer after which a request has failed."""
MAX_REPLY = 1 << 20
MAX_ANSWER = 4000
"""Characters of an answer that are read and kept."""
TOKENS = ("prompt_tokens", "completion_tokens")
"""What servers count for a request, and bill."""


class Client:
    """A served model: sends questions about images, and counts what that takes."""

    def __init__(self, name: str, model: str, base_url: str, further: tuple[str, ...] = ()) -> None:
        """Prepare for requests; none is sent.

        Args:
            name: the model's name for messages.
            model: its name on the server.
            base_url: the server's address.
            further: names of what the caller counts (``count``).

        Raises:
            UsageError: a price is not a number from 0, or the rate limit not one above 0.
        """
        self.name, self.url = name, base_url
        self._model, self._further = model, further
        self._prices = (_number(PRICE_IN), _number(PRICE_OUT))
        limit = _number(RATE_LIMIT)
        if limit == 0:
            raise UsageError(
                f"The variable {RATE_LIMIT} is 0, and no request could be sent. Unset it: no limit."
            )
        self._gap = 60 / limit if limit else 0.0
        self._lock = threading.Lock()
        self._next = 0.0
        """When the next request may be sent."""
        self._kept = KeptAnswers(name, base_url)
        self._uses_kept = True
        self.begin(fresh=False)

    def begin(self, *, fresh: bool) -> None:
        """Count from 0; ``fresh``: neither read nor keep answers."""
        self._counts = dict.fromkeys(("requests", "kept_answers", *TOKENS, *self._further), 0)
        self._uses_kept = not fresh

    def count(self, name: str, n: int = 1) -> None:
        """Add to a count."""
        with self._lock:
            self._counts[name] += n

    @property
    def spent(self) -> dict[str, str | int]:
        """Return requests, answers that were kept, tokens as the server counts them, and cost.

        The cost is there where both prices are; it is text, in the prices' currency.
        """
        with self._lock:
            found: dict[str, str | int] = dict(self._counts)
        price_in, price_out = self._prices
        if price_in is not None and price_out is not None:
            tokens_in, tokens_out = (int(found[name]) for name in TOKENS)
            cost = (tokens_in * price_in + tokens_out * price_out) / 1e6
            found |= {"price_in": f"{price_in:g}", "price_out": f"{price_out:g}",
                      "cost": f"{cost:.4f}"}  # fmt: skip
        return found

    def ask(
        self,
        image: str,
        text: str,
        options: Mapping[str, Any],
        read: Callable[[Mapping[str, Any]], Answer],
        is_valid: Callable[[Any], bool],
    ) -> Answer:
        """Return the answer to a question about an image, a kept one where there is one.

        Args:
            image: a data address.
            text: the question.
            options: further fields of the request.
            read: takes what is needed of a reply: JSON, which is kept.
            is_valid: whether a kept answer has that form; otherwise the request is sent again.

        Raises:
            ModelError: the server refuses, or answers in another form; or ``read`` raises it.
        """
        content = [
            {"type": "image_url", "image_url": {"url": image}},
            {"type": "text", "text": text},
        ]
        messages = [{"role": "user", "content": content}]
        body = {"model": self._model, "messages": messages, "temperature": 0, **options}
        sent = json.dumps(body, sort_keys=True).encode()
        key = hashlib.sha256(sent).hexdigest()
        if self._uses_kept and is_valid(known := self._kept.get(key)):
            self.count("kept_answers")
            return known  # type: ignore[no-any-return]
        reply = self._retried(sent)
        answer = read(reply)
        self._count_tokens(reply)
        if self._uses_kept:
            self._kept.add(key, answer)
        return answer

    def _count_tokens(self, reply: Mapping[str, Any]) -> None:
        usage = reply.get("usage")
        self.count("requests")
        for part in TOKENS:
            n = usage.get(part) if isinstance(usage, dict) else None
            self.count(part, n if isinstance(n, int) and n > 0 else 0)

    def _retried(self, body: bytes) -> Mapping[str, Any]:
        """Send a request; try again where it may succeed."""
        for failures in range(ATTEMPTS):
            try:
                return self._send(body)
            except urllib.error.HTTPError as error:
                reason = f"HTTP {error.code}: {_excerpt(error)}"
                wait = retry_seconds(error, failures)
            except (OSError, http.client.HTTPException, ValueError) as error:
                reason, wait = f"{type(error).__name__}: {error}", 2.0**failures
            if wait is None:
                break
            if failures < ATTEMPTS - 1:
                self._postpone(wait)
        raise ModelError(
            f"{self.name} at {self.url} does not answer: {hidden(reason)}. Answers so far are "
            "kept: repeat the command when the server answers."
        )

    def _postpone(self, seconds: float) -> None:
        """Let no request be sent before so many seconds have passed."""
        with self._lock:
            self._next = max(self._next, time.monotonic() + seconds)

    def _wait_for_turn(self) -> None:
        """Wait as the rate limit and the server say."""
        with self._lock:
            now = time.monotonic()
            turn = max(self._next, now)
            self._next = turn + self._gap
        if turn > now:
            time.sleep(turn - now)

    def _send(self, body: bytes) -> Mapping[str, Any]:
        self._wait_for_turn()
        request = urllib.request.Request(  # noqa: S310 - http and https alone: see server_address
            f"{self.url}/chat/completions", body, {"Content-Type": "application/json"}
        )
        if key := os.environ.get(KEY):
            request.add_unredirected_header("Authorization", f"Bearer {key}")
        with OPENER.open(request, timeout=TIMEOUT) as response:
            text = response.read(MAX_REPLY)
        found = parse_json(text)
        if not isinstance(found, dict):
            raise ValueError(f"a reply that is not an object: {text[:100]!r}")
        return found


def text_of(reply: Mapping[str, Any], name: str) -> str:
    """Return the text of a reply without the key, cut to ``MAX_ANSWER``; "" where it has none.

    Raises:
        ModelError: it has no message.
    """
    try:
        content = reply["choices"][0]["message"]["content"]
    except (LookupError, TypeError) as error:
        raise ModelError(
            f"{name} answers in another form than /chat/completions ({type(error).__name__}: "
            f"{hidden(str(error))}): its reply has no choices[0].message.content."
        ) from error
    return hidden(content)[:MAX_ANSWER] if isinstance(content, str) else ""


def hidden(text: str) -> str:
    """Return text without the key, which a server may repeat."""
    key = os.environ.get(KEY)
    return text.replace(key, "…") if key else text


def _excerpt(error: urllib.error.HTTPError) -> str:
    """Return the beginning of what a server says with a refusal."""
    try:
        return hidden(error.read(2000).decode(errors="replace"))[:200] or str(error.reason)
    except (OSError, http.client.HTTPException):
        return str(error.reason)


def _number(variable: str) -> float | None:
    """Return the number in a variable of the environment; None where there is none.

    Raises:
        UsageError: it is not a finite number from 0.
    """
    typed = os.environ.get(variable, "").strip()
    if not typed:
        return None
    try:
        found = float(typed)
    except ValueError:
        found = math.nan
    if not (math.isfinite(found) and found >= 0):
        raise UsageError(f"The variable {variable} is {typed!r}, which is not a number from 0.")
    return found


def server_address(family: str, rest: str, options: LoadOptions) -> str:
    """Return the address of the server of ``family:rest``; nothing is sent.

    Raises:
        UsageError: no model or no server is named, or its address is not of http or https, or holds
            a password.
    """
    url = (options.base_url or os.environ.get(BASE_URL) or "").rstrip("/")
    if not rest or not url:
        raise UsageError(
            f"{family}: takes the name of a served model and the address of its server: "
            f"{family}:MODEL --base-url http://127.0.0.1:8000/v1 (or {BASE_URL})."
        )
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.query
    except ValueError:
        fine = False
    if not fine or "@" in parts.netloc:
        raise UsageError(
            f"--base-url takes an address as https://HOST/v1, without password or query; the key "
            f"comes from {KEY}."
        )
    return url
