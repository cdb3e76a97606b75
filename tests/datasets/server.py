"""A server on this machine that serves files, and misbehaves as told."""

from __future__ import annotations

import hashlib
import ssl
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@dataclass
class Answer:
    """What is sent for a path, the same each time or one after the other."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    """Bytes after which the connection is closed."""
    length: int | None = None
    """The Content-Length that is claimed; -1 for none."""
    ranges: bool = True
    tag: str | None = None
    """The ETag; by default a digest of the body; an empty string for none."""
    stall: float = 0.0
    """Seconds to wait before the body."""
    kind: str = "application/octet-stream"
    offset: int = 0
    """Added to the first byte of a part that is sent, and claimed."""


class Server:
    """Answers by path, and what was requested."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers: dict[str, list[Answer]] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []

    def serve(self, path: str, *answers: Answer | bytes) -> str:
        """Send these answers for a path, one after the other, the last one ever after."""
        self.answers[path] = [
            each if isinstance(each, Answer) else Answer(each) for each in answers
        ]
        return f"{self.url}{path}"

    def next_answer(self, path: str) -> Answer:
        left = self.answers.get(path, [Answer(status=404)])
        return left.pop(0) if len(left) > 1 else left[0]

    def ranges(self) -> list[str]:
        """The ranges that were requested, in order; an empty string for a whole file."""
        return [headers.get("Range", "") for _, headers in self.requests]

    def paths(self) -> list[str]:
        return [path for path, _ in self.requests]


def _handler(server: Callable[[], Server]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def handle(self) -> None:
            try:
                super().handle()
            except ssl.SSLError:  # a client that does not trust the certificate
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Print nothing."""

        def do_GET(self) -> None:
            told = server()
            told.requests.append((self.path, dict(self.headers)))
            answer = told.next_answer(self.path)
            threading.Event().wait(answer.stall)
            try:
                self._send(answer)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def _send(self, answer: Answer) -> None:
            tag = answer.tag
            if tag is None:
                tag = f'"{hashlib.sha256(answer.body).hexdigest()[:12]}"'
            body, status, headers = answer.body, answer.status, dict(answer.headers)
            asked = self.headers.get("Range", "").removeprefix("bytes=").rstrip("-")
            same = self.headers.get("If-Range") in (None, tag)
            if asked and status == 200 and answer.ranges and same:
                start = int(asked) + answer.offset
                if start >= len(body):
                    status, body = 416, b""
                    headers["Content-Range"] = f"bytes */{len(answer.body)}"
                else:
                    status = 206
                    headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
                    body = body[start:]
            self.send_response(status)
            self.send_header("Content-Type", answer.kind)
            if tag:
                self.send_header("ETag", tag)
            for name, value in headers.items():
                self.send_header(name, value)
            length = len(body) if answer.length is None else answer.length
            if length >= 0:
                self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(body[: answer.cut])
            self.close_connection = True

    return Handler


@contextmanager
def serving(certificate: Path | None = None) -> Iterator[Server]:
    """Run a server on a free port of this machine; over TLS where it has a certificate with key."""
    told: list[Server] = []
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(lambda: told[0]))
    http.daemon_threads = True
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        http.socket = context.wrap_socket(
            http.socket, server_side=True, do_handshake_on_connect=False
        )
    scheme = "https" if certificate else "http"
    told.append(Server(f"{scheme}://127.0.0.1:{http.server_address[1]}"))
    thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield told[0]
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
