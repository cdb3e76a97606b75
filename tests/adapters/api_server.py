"""A server on this machine that speaks the format of /v1/chat/completions, with faults."""

from __future__ import annotations

import base64
import io
import json
import math
import threading
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = "sk-test-4815162342"


def tokens(caption: str) -> list[dict[str, Any]]:
    """The most probable tokens after a question about a caption."""
    yes = (sum(map(ord, caption)) % 97 + 1) / 200
    shares = {"Yes": yes / 2, " yes": yes / 4, "YES": yes / 4, "No": 0.9 - yes, "The": 0.05}
    return [{"token": each, "logprob": math.log(share)} for each, share in shares.items()]


def right(caption: str) -> float:
    """Log P(Yes) of a caption, by its definition."""
    return math.log((sum(map(ord, caption)) % 97 + 1) / 200)


class Served:
    """What the server was sent, and what it does wrong before it answers."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, Any], str | None]] = []
        self.faults: list[str] = []
        self.always = ""
        self.says: Callable[[list[str]], str] = lambda captions: "A"
        """The answer to a question with which of several captions describes an image."""
        self.lock = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    """Speaks the format of /v1/chat/completions."""

    served: Served

    def log_message(self, *parts: Any) -> None:
        """Print nothing."""

    def do_POST(self) -> None:
        """Answer, or fail in the next way."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        key = self.headers.get("Authorization")
        with self.served.lock:
            self.served.requests.append((body, key))
            fault = self.served.faults.pop(0) if self.served.faults else self.served.always
        if fault == "cut":
            self.connection.close()
            return
        status, _, after = fault.partition(", after ")
        if status.isdecimal():
            text = json.dumps({"error": {"message": f"no, {key}"}}).encode()
            self.reply(int(status), text, {"Retry-After": after} if after else {})
        elif fault in ("garbage", "deep"):
            self.reply(200, b"<html>" if fault == "garbage" else b"[" * 200_000, {})
        else:
            self.reply(200, json.dumps(self.answer(body, fault)).encode(), {})

    def answer(self, body: dict[str, Any], fault: str) -> dict[str, Any]:
        """Return the answer's content."""
        image, text = (part for part in body["messages"][0]["content"])
        content = image["image_url"]["url"].partition("base64,")[2]
        Image.open(io.BytesIO(base64.b64decode(content))).load()
        if fault == "shapeless":
            return {"choices": [], "error": self.headers.get("Authorization")}
        if text["text"].startswith("Which"):
            captions = [line[3:] for line in text["text"].splitlines()[1:-1]]
            said = self.headers["Authorization"] if fault == "echo" else self.served.says(captions)
            return self.message(said, None, 20)
        caption = text["text"].partition('"')[2].rpartition('"')[0]
        found = [{"token": "Yes", "logprob": 0.0, "top_logprobs": tokens(caption)}]
        if fault == "unsure":
            found[0]["top_logprobs"] = tokens(caption)[3:]
        return self.message("Yes", None if fault == "silent" else {"content": found}, 30)

    def message(self, said: str, logprobs: Any, tokens: int) -> dict[str, Any]:
        """Return a reply that says this."""
        return {
            "object": "chat.completion",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": said},
                    "logprobs": logprobs,
                    "finish_reason": "length",
                }
            ],
            "usage": {"prompt_tokens": tokens, "completion_tokens": 1, "total_tokens": tokens + 1},
        }

    def reply(self, status: int, text: bytes, headers: dict[str, str]) -> None:
        """Send a reply."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
