"""``api-choice:MODEL``: a model behind a server names one of an item's captions.

For servers that give no log-probabilities. Each item takes two questions, with its captions as
A, B, … in their order and in the reverse; an answer that depends on the order is wrong
(``protocols.choices``). The answer is read strictly: a letter alone or marked as the answer, or the
caption itself. All else (a refusal, two letters, a sentence) is unreadable: counted, and wrong.
"""

from __future__ import annotations

import re
import string
from typing import TYPE_CHECKING, Any

from benchbench.adapters.api import Served
from benchbench.adapters.api_client import Client, server_address, text_of
from benchbench.errors import Unsuited
from benchbench.types import ModelFamily

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchbench.types import LoadOptions

ASKED = "Which caption describes the image?"
CLOSING = "Answer with the letter of the caption alone."
LETTERS = string.ascii_uppercase
MAX_TOKENS = 16
"""Tokens of an answer: a letter needs one or two."""
CONTEXT = 16_384
"""Bytes of a question."""
UNREADABLE = -1.0
_OPTION = re.compile(r"^([A-Z])\. (.*)$", re.M)
_ALONE = re.compile(r"\W*([A-Za-z])\W*")
_FIRST = re.compile(r"[\s*\"'(\[]*([A-Z])[).:\]*\"',]")
_NAMED = re.compile(
    r"\b(?:answer|option|caption|choice)\b(?:\W+is)?(?:\W+(?:option|caption|choice))?"
    r"\W*\b([A-Z])(?=\W*$|[).:\]*\"',;\n])",
    re.I,
)
_FURTHER = re.compile(r"\b([A-Z])(?=\W*$|[).:\]*\"',;\n])")


def question_of(captions: Sequence[str]) -> str:
    """Return the question with which caption of several describes an image.

    >>> print(question_of(["a dog", "a cat"]))
    Which caption describes the image?
    A. a dog
    B. a cat
    Answer with the letter of the caption alone.
    """
    lines = [
        f"{letter}. {' '.join(text.split())}"
        for letter, text in zip(LETTERS, captions, strict=False)
    ]
    return "\n".join([ASKED, *lines, CLOSING])


def read_answer(answer: str, captions: Sequence[str]) -> int | None:
    """Return the number of the caption that an answer names; None where it names no single one.

    >>> [read_answer(each, ["a dog", "a cat"]) for each in ("B", "(A).", "A dog.", "I cannot say.")]
    [1, 0, 0, None]
    """
    plain = [_plain(caption) for caption in captions]
    named = _letters(answer, plain)
    if not named:
        found = [i for i, caption in enumerate(plain) if caption == _plain(answer)]
        return found[0] if len(found) == 1 else None
    (letter,) = named if len(named) == 1 else ("",)
    place = LETTERS.find(letter) if letter else -1
    return place if 0 <= place < len(captions) else None


def _letters(answer: str, plain: Sequence[str]) -> set[str]:
    """Return the letters that an answer names: alone, at its beginning, or called the answer.

    Behind one at the beginning, others count that are marked alike, unless a caption has them.
    Behind any, so does the letter of another caption that follows it: ``A. a cat`` names two where
    the cat is B.
    """
    if alone := _ALONE.fullmatch(answer):
        return {alone[1].upper()}
    found = [*_NAMED.finditer(answer)]
    named: list[str] = []
    if first := _FIRST.match(answer):
        found.append(first)
        rest = answer[first.end() :]
        named += [] if _plain(rest) in plain else _FURTHER.findall(rest)
    for each in found:
        letter, told = each[1].upper(), _plain(answer[each.end() :])
        named.append(letter)
        options = [own for own, text in zip(LETTERS, plain, strict=False) if text == told]
        named += [] if letter in options else options
    return set(named)


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^\w\s]", " ", text.lower()).split())


def _is_text(found: Any) -> bool:
    return isinstance(found, str)


class _ChoiceScorer(Served):
    """A scorer of whole questions by the number of the option that the answer names."""

    def score_pair(self, image: str, text: str) -> float:
        """Return the number of the chosen option, from 0; −1 for an unreadable answer."""
        name = self.manifest.name
        answer = self._client.ask(
            image, text, {"max_tokens": MAX_TOKENS}, lambda reply: text_of(reply, name), _is_text
        )
        options = [caption for _, caption in _OPTION.findall(text)]
        chosen = read_answer(answer, options)
        return UNREADABLE if chosen is None else float(chosen)


class ApiChooser(Served):
    """A model behind a server that chooses between an item's captions."""

    def __init__(self, client: Client) -> None:
        self._settings: Mapping[str, Any] = {
            "score": "forced choice, in both orders",
            "prompt": question_of(["{}", "{}"]),
            "max_tokens": MAX_TOKENS,
        }
        super().__init__(client, self._settings)

    def question(self, captions: Sequence[str]) -> str:
        """Return the question with which of several captions describes an image.

        Raises:
            Unsuited: there are more captions than letters.
        """
        if len(captions) > len(LETTERS):
            raise Unsuited(
                f"{self.manifest.name} chooses between {len(LETTERS)} captions at most, and an "
                f"item has {len(captions)}."
            )
        return question_of(captions)

    def choosing(self) -> _ChoiceScorer:
        """Return the same model as a scorer of such questions by the number of its choice."""
        return _ChoiceScorer(self._client, self._settings, CONTEXT)

    def score_pair(self, image: str, text: str) -> float:
        """Refuse a caption by itself.

        Raises:
            Unsuited: always.
        """
        raise Unsuited(
            f"{self.manifest.name} chooses between captions, and gives none a score: it is for "
            "tasks of the matching protocol. Where the server has log-probabilities, "
            f"api:{self.manifest.name.partition(':')[2]} scores captions one by one."
        )


def load(rest: str, options: LoadOptions) -> ApiChooser:
    """Return the chooser of a served model; nothing is sent.

    Raises:
        UsageError: as for ``api.load``.
    """
    url = server_address("api-choice", rest, options)
    return ApiChooser(Client(f"api-choice:{rest}", rest, url))


FAMILY = ModelFamily(
    name="api-choice",
    usage={"api-choice:MODEL": "the same without log-probabilities: it chooses, in both orders"},
    load=load,
    options=frozenset({"base_url"}),
)
