"""Requests over HTTP, and what servers answer: redirects, refusals, waits, lengths, validators."""

from __future__ import annotations

import email.utils
import re
import ssl
import time
import urllib.request
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

from benchbench.errors import DataUnavailable
from benchbench.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from http.client import HTTPMessage
    from urllib.error import HTTPError

LONGEST_WAIT = 120.0
"""The longest wait that a server may request, in seconds; otherwise the next source is tried."""
AGAIN = (408, 429, 500, 502, 503, 504)
"""Status codes after which the same request may succeed."""
MEANINGS = {
    401: "access is refused",
    403: "access is refused",
    404: "there is no such file",
    410: "the file has been removed",
    429: "too many requests; try again later",
}
GATED = "a token is missing, or its account has not accepted the terms"


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follow few redirects, never from https to http, with credentials for the same host alone."""

    max_redirections = 5
    max_repeats = 2

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """Return the request to follow.

        Raises:
            DataUnavailable: the redirect is refused.
        """
        to = urlsplit(newurl)
        if to.scheme not in ("http", "https") or (req.type, to.scheme) == ("https", "http"):
            raise DataUnavailable(f"it redirects to {newurl:.100}, which is not encrypted")
        new = super().redirect_request(req, fp, code, msg, headers, newurl)
        token = req.get_header("Authorization")
        if new is not None and token and new.host == req.host:
            new.add_unredirected_header("Authorization", token)
        return new


OPENER = urllib.request.build_opener(_Redirects)


class Reply:
    """A server's answer with a file, or with the rest of one."""

    def __init__(self, response: Any) -> None:
        self._response = response
        self._headers = response.headers

    @property
    def status(self) -> int:
        """Return its status: 200, or 206 for a part."""
        status: int = self._response.status
        return status

    def read(self, most: int) -> bytes:
        """Return the next bytes; none at the end, or where the connection is cut."""
        content: bytes = self._response.read(most)
        return content

    def continues(self, start: int) -> bool:
        """Return whether it is the rest of the file from that byte."""
        found = re.match(r"bytes (\d+)-", self._headers.get("Content-Range", ""))
        return self.status == 206 and found is not None and int(found[1]) == start

    @property
    def total(self) -> int | None:
        """Return the size of the whole file in bytes, where the server states it."""
        if self.status == 206:
            found = re.search(r"/(\d+)$", self._headers.get("Content-Range", ""))
            return int(found[1]) if found else None
        length = self._headers.get("Content-Length", "")
        return int(length) if length.isdecimal() else None

    @property
    def validator(self) -> str | None:
        """Return what identifies this version of the file: a strong ETag, or its date."""
        tag: str = self._headers.get("ETag", "")
        date: str | None = self._headers.get("Last-Modified")
        return tag if tag.startswith('"') else date

    @property
    def is_page(self) -> bool:
        """Return whether it is a web page."""
        return bool(self._headers.get_content_type() == "text/html")

    @property
    def encoding(self) -> str:
        """Return how its bytes differ from the file's; an empty string where they do not."""
        encoding: str = self._headers.get("Content-Encoding", "identity")
        return "" if encoding == "identity" else encoding


@contextmanager
def replied(url: str, headers: Mapping[str, str], secret: str, seconds: float) -> Iterator[Reply]:
    """Request an address.

    Args:
        url: ``http://…`` or ``https://…``.
        headers: sent to every server on the way.
        secret: an ``Authorization``, sent to this host alone; empty for none.
        seconds: the longest wait for a connection, and for the next bytes.

    Raises:
        OSError: ``HTTPError`` for another status than 2xx; or there is no connection.
        http.client.HTTPException: the answer is not HTTP.
        DataUnavailable: a redirect is refused.
    """
    request = urllib.request.Request(url, headers=dict(headers))  # noqa: S310 - see ``sources``
    request.add_header("User-Agent", f"benchbench/{VERSION}")
    request.add_header("Accept-Encoding", "identity")
    if secret:
        request.add_unredirected_header("Authorization", secret)
    with OPENER.open(request, timeout=seconds) as response:
        yield Reply(response)


def refusal(error: HTTPError, gated: bool) -> str:
    """Return an error of a server in words."""
    if 300 <= error.code < 400:
        return f"{error.code}: its redirects form a circle, are too many, or leave HTTP"
    meaning = GATED if gated and error.code in (401, 403) else MEANINGS.get(error.code)
    return f"{error.code}: {meaning or error.reason or 'the server refuses'}"


def distrust(error: Exception) -> str | None:
    """Return why a server's certificate is not trusted; None for any other error."""
    reason = getattr(error, "reason", error)
    if not isinstance(reason, ssl.SSLCertVerificationError):
        return None
    return f"its certificate is not trusted: {reason.verify_message or reason.reason}"


def retry_seconds(error: HTTPError, failures: int) -> float | None:
    """Return how long to wait before the same request; None where it will not succeed.

    Args:
        error: the server's.
        failures: how many attempts have failed before; the wait doubles with each.
    """
    if error.code not in AGAIN:
        return None
    wished = _seconds(error.headers.get("Retry-After", "") if error.headers else "")
    if wished is None:
        return min(2.0**failures, LONGEST_WAIT)
    return wished if wished <= LONGEST_WAIT else None


def _seconds(text: str) -> float | None:
    """Return a ``Retry-After`` in seconds; None where it is neither a number nor a date."""
    if text.strip().isdecimal():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError):
        return None
