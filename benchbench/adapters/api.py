"""``api:MODEL``: score pairs by the P("Yes") of a model behind an OpenAI-compatible server.

vLLM, llama.cpp's server and hosted services speak this format. ``--base-url`` (or OPENAI_BASE_URL)
names the server; a key, where it needs one, comes from OPENAI_API_KEY alone, and is neither stored
nor printed. Each pair of an image and a caption is one request to ``/chat/completions``: the image
as PNG, vqascore's question, one token, its 20 most probable alternatives. The score is

    log Σ p(token)   over the tokens that are "yes" but for case and white space

Where none of the 20 is, the score is the log-probability of the least probable of them: an upper
bound, which is counted (``spent``). A server that gives no log-probabilities is refused.

Refusals that may pass (429, 5xx, a cut connection, silence) are tried again: after Retry-After, or
else after 1, 2, 4, … seconds, ``ATTEMPTS`` times in all. Answers are kept in memory for a run, and
scores in the store of encodings, by server and name: the weights behind a name cannot be digested.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import io
import json
import math
import os
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from benchbench.adapters.vqascore import ANSWER, LIKELY, QUESTION
from benchbench.datasets.replies import OPENER, retry_seconds
from benchbench.errors import ModelError, UsageError
from benchbench.types import ModelFamily, ModelManifest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from PIL.Image import Image
    from torch import Tensor

    from benchbench.types import LoadOptions

KEY, BASE_URL = "OPENAI_API_KEY", "OPENAI_BASE_URL"
"""Variables of the environment."""
ATTEMPTS = 6
TIMEOUT = 120.0
"""Seconds without an answer after which a request has failed."""
AT_ONCE = 4
"""Requests at the same time."""
TOP = 20
"""Alternatives of a token: the most that the format allows."""
MAX_REPLY = 1 << 20
CONTEXT = 4096
"""Bytes of a caption."""


class ApiScorer:
    """A pair scorer behind a server."""

    device = "cpu"
    by_image = True
    threshold: float | None = LIKELY

    def __init__(self, model: str, base_url: str) -> None:
        self._model, self._url = model, base_url
        self._known: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()
        self.spent = {"requests": 0, "prompt_tokens": 0, "completion_tokens": 0, "bounded": 0}
        """What the server counted, and how many scores are upper bounds."""
        served = f"{base_url}\n{model}"
        self.manifest = ModelManifest(
            name=f"api:{model}",
            architecture="unknown",
            weights=base_url,
            weights_sha256=hashlib.sha256(served.encode()).hexdigest(),
            trained=True,
            activation="unknown",
            preprocessing={"image": "PNG, as it is"},
            tokenizer="unknown",
            context_length=CONTEXT,
            dtype="unknown",
            parameters=0,
            similarity="pairs",
            settings={
                "score": f"log P({ANSWER})",
                "prompt": QUESTION,
                "top_logprobs": TOP,
                "note": "The weights are those that the server has under this name; no digest of "
                "them is known, and they may change.",
            },
        )

    def transform(self, image: Image) -> str:
        """Return an image as a data address."""
        content = io.BytesIO()
        image.save(content, "PNG")
        return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"

    def encode_images(self, images: Sequence[str]) -> Sequence[str]:
        """Return the images: the server encodes them."""
        return images

    def token_ids(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """Return the bytes of each caption."""
        return [tuple(text.encode()) for text in texts]

    def tokenize(self, texts: Sequence[str]) -> list[str]:
        """Return captions, cut to the context in bytes."""
        return [text.encode()[:CONTEXT].decode(errors="ignore") for text in texts]

    def score(self, features: Sequence[str], batch: Sequence[str]) -> Tensor:
        """Score pairs by log P(Yes): [n].

        Raises:
            ModelError: the server refuses, or answers in another form.
        """
        import torch

        with ThreadPoolExecutor(AT_ONCE) as pool:
            scores = list(pool.map(self._log_yes, features, batch))
        return torch.tensor(scores, dtype=torch.float32)

    def _log_yes(self, image: str, caption: str) -> float:
        name = (hashlib.sha256(image.encode()).hexdigest(), caption)
        if name not in self._known:
            self._known[name] = self._read(self._ask(image, caption))
        return self._known[name]

    def _read(self, reply: Mapping[str, Any]) -> float:
        """Return log P(Yes) of a reply, and count its tokens."""
        try:
            found = reply["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
            options = [(str(each["token"]), float(each["logprob"])) for each in found]
        except (LookupError, TypeError, ValueError) as error:
            raise ModelError(
                f"{self.manifest.name} at {self._url} gives no log-probabilities "
                f"({type(error).__name__}: {error}): its P({ANSWER}) is unknown. Use a server that "
                "has logprobs and top_logprobs in /chat/completions, as vLLM."
            ) from error
        if not options:
            raise ModelError(f"{self.manifest.name} at {self._url} gives an empty list of tokens.")
        yes = [value for token, value in options if token.strip().lower() == ANSWER.lower()]
        usage = reply.get("usage") or {}
        with self._lock:
            self.spent["requests"] += 1
            self.spent["bounded"] += not yes
            for part in ("prompt_tokens", "completion_tokens"):
                self.spent[part] += int(usage.get(part) or 0)
        if not yes:
            return min(value for _, value in options)
        most = max(yes)
        return most + math.log(math.fsum(math.exp(value - most) for value in yes))

    def _ask(self, image: str, caption: str) -> Mapping[str, Any]:
        """Send a question; try again where it may succeed."""
        for failures in range(ATTEMPTS):
            try:
                return self._send(image, caption)
            except urllib.error.HTTPError as error:
                reason, wait = (
                    f"HTTP {error.code}: {_excerpt(error)}",
                    retry_seconds(error, failures),
                )
            except (OSError, http.client.HTTPException, ValueError) as error:
                reason, wait = f"{type(error).__name__}: {error}", 2.0**failures
            if wait is None:
                break
            if failures < ATTEMPTS - 1:
                time.sleep(wait)
        raise ModelError(
            f"{self.manifest.name} at {self._url} does not answer: {_hidden(reason)}. Scores so "
            "far are stored: repeat the command when the server answers."
        )

    def _send(self, image: str, caption: str) -> Mapping[str, Any]:
        content = [
            {"type": "image_url", "image_url": {"url": image}},
            {"type": "text", "text": QUESTION.format(caption)},
        ]
        body = {
            "model": self._model,
            "messages": [{"role": "user", "content": content}],
            "max_tokens": 1,
            "temperature": 0,
            "logprobs": True,
            "top_logprobs": TOP,
        }
        request = urllib.request.Request(  # noqa: S310 - http and https alone: see load
            f"{self._url}/chat/completions",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        if key := os.environ.get(KEY):
            request.add_unredirected_header("Authorization", f"Bearer {key}")
        with OPENER.open(request, timeout=TIMEOUT) as response:
            text = response.read(MAX_REPLY)
        found = json.loads(text)
        if not isinstance(found, dict):
            raise ValueError(f"a reply that is not an object: {text[:100]!r}")
        return found


def _excerpt(error: urllib.error.HTTPError) -> str:
    """Return the beginning of what a server says with a refusal."""
    try:
        return error.read(200).decode(errors="replace") or str(error.reason)
    except OSError:
        return str(error.reason)


def _hidden(text: str) -> str:
    """Return text without the key, which a server may repeat."""
    key = os.environ.get(KEY)
    return text.replace(key, "…") if key else text


def load(rest: str, options: LoadOptions) -> ApiScorer:
    """Return the scorer of a served model; nothing is sent.

    Raises:
        UsageError: no model or no server is named, or its address is not of http or https, or holds
            a password.
    """
    url = (options.base_url or os.environ.get(BASE_URL) or "").rstrip("/")
    if not rest or not url:
        raise UsageError(
            f"api: takes the name of a served model and the address of its server: api:MODEL "
            f"--base-url http://127.0.0.1:8000/v1 (or {BASE_URL})."
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
    return ApiScorer(rest, url)


FAMILY = ModelFamily(
    name="api",
    usage={"api:MODEL": "a model behind an OpenAI-compatible server (--base-url), by its P(Yes)"},
    load=load,
    options=frozenset({"base_url"}),
)
