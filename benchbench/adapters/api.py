"""``api:MODEL``: score pairs by the P("Yes") of a model behind an OpenAI-compatible server.

vLLM, llama.cpp's server and hosted services speak this format. ``--base-url`` (or OPENAI_BASE_URL)
names the server; a key, where it needs one, comes from OPENAI_API_KEY alone, and is neither stored
nor printed. Each pair of an image and a caption is one request to ``/chat/completions``: the image
as PNG, vqascore's question, one token, its 20 most probable alternatives. The score is

    log Σ p(token)   over the tokens that are "yes" but for case and white space

Where none of the 20 is, the score is the log-probability of the least probable of them: an upper
bound, which is counted (``spent``). A server that gives no log-probabilities is refused:
``api-choice:`` needs none. ``api_client`` sends the requests.

Scores are kept in the store of encodings, by server and name: the weights behind a name cannot be
digested.
"""

from __future__ import annotations

import base64
import hashlib
import io
import math
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from benchbench.adapters.api_client import Client, hidden, server_address
from benchbench.adapters.vqascore import ANSWER, LIKELY, QUESTION
from benchbench.errors import ModelError
from benchbench.types import ModelFamily, ModelManifest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from PIL.Image import Image
    from torch import Tensor

    from benchbench.types import LoadOptions

AT_ONCE = 4
"""Requests at the same time."""
TOP = 20
"""Alternatives of a token: the most that the format allows."""
BOUNDED = "bounded"
"""The count of scores that are upper bounds."""
CONTEXT = 4096
"""Bytes of a caption."""


class Served(ABC):
    """What every model behind a server has: it takes images as data addresses, captions as text."""

    device = "cpu"
    by_image = True

    def __init__(
        self, client: Client, settings: Mapping[str, Any], context_length: int = CONTEXT
    ) -> None:
        self._client, self._context = client, context_length
        served = f"{client.url}\n{client.name.partition(':')[2]}"
        self.manifest = ModelManifest(
            name=client.name,
            architecture="unknown",
            weights=client.url,
            weights_sha256=hashlib.sha256(served.encode()).hexdigest(),
            trained=True,
            activation="unknown",
            preprocessing={"image": "PNG, as it is"},
            tokenizer="unknown",
            context_length=context_length,
            dtype="unknown",
            parameters=0,
            similarity="pairs",
            settings={
                **settings,
                "note": "The weights are those that the server has under this name; no digest of "
                "them is known, and they may change.",
            },
        )

    @property
    def spent(self) -> dict[str, str | int]:
        """Return what the evaluation took (``Client.spent``)."""
        return self._client.spent

    def begin_evaluation(self, *, fresh: bool) -> None:
        """Count from 0; ``fresh``: neither use nor keep answers."""
        self._client.begin(fresh=fresh)

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
        return [text.encode()[: self._context].decode(errors="ignore") for text in texts]

    def score(self, features: Sequence[str], batch: Sequence[str]) -> Tensor:
        """Score pairs, several at the same time: [n].

        Raises:
            ModelError: the server refuses, or answers in another form.
        """
        import torch

        with ThreadPoolExecutor(AT_ONCE) as pool:
            scores = list(pool.map(self.score_pair, features, batch))
        return torch.tensor(scores, dtype=torch.float32)

    @abstractmethod
    def score_pair(self, image: str, text: str) -> float:
        """Return the score of one pair."""


class ApiScorer(Served):
    """A pair scorer behind a server, by its P(Yes)."""

    threshold: float | None = LIKELY

    def __init__(self, client: Client) -> None:
        settings = {"score": f"log P({ANSWER})", "prompt": QUESTION, "top_logprobs": TOP}
        super().__init__(client, settings)

    def score_pair(self, image: str, text: str) -> float:
        """Return log P(Yes)."""
        options = {"max_tokens": 1, "logprobs": True, "top_logprobs": TOP}
        question = QUESTION.format(text)
        found = self._client.ask(image, question, options, self._tokens, _are_tokens)
        yes = [value for token, value in found if token.strip().lower() == ANSWER.lower()]
        if not yes:
            self._client.count(BOUNDED)
            return float(min(value for _, value in found))
        most = float(max(yes))
        return most + math.log(math.fsum(math.exp(value - most) for value in yes))

    def _tokens(self, reply: Mapping[str, Any]) -> list[list[Any]]:
        """Return the most probable first tokens of a reply, with their log-probabilities."""
        name, url = self.manifest.name, self._client.url
        try:
            found = reply["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
            options = [[hidden(str(each["token"])), float(each["logprob"])] for each in found]
        except (LookupError, TypeError, ValueError) as error:
            raise ModelError(
                f"{name} at {url} gives no log-probabilities "
                f"({type(error).__name__}: {hidden(str(error))}): its P({ANSWER}) is unknown. Use "
                "a server that has logprobs and top_logprobs in /chat/completions, as vLLM; or let "
                f"it choose between captions: api-choice:{name.partition(':')[2]}"
            ) from error
        if not options:
            raise ModelError(f"{name} at {url} gives an empty list of tokens.")
        return options


def _are_tokens(found: Any) -> bool:
    """Return whether kept content is a list of tokens with their log-probabilities."""
    return (
        isinstance(found, list)
        and len(found) > 0
        and all(isinstance(each, list) and len(each) == 2 for each in found)
        and all(isinstance(token, str) and isinstance(value, float) for token, value in found)
    )


def load(rest: str, options: LoadOptions) -> ApiScorer:
    """Return the scorer of a served model; nothing is sent.

    Raises:
        UsageError: no model or no server is named, or its address is not of http or https, or holds
            a password; or the rate limit or a price is not a number.
    """
    url = server_address("api", rest, options)
    return ApiScorer(Client(f"api:{rest}", rest, url, (BOUNDED,)))


FAMILY = ModelFamily(
    name="api",
    usage={"api:MODEL": "a model behind an OpenAI-compatible server (--base-url), by its P(Yes)"},
    load=load,
    options=frozenset({"base_url"}),
)
