"""Raw answers of three generative models to ColorSwap, asked in both directions: JSON.

Published by ColorSwap's authors (Burapacheep et al., Findings of ACL 2024; MIT) at
Top34051/colorswap@4f2c9e4, ``vlm_results``: ``text-MODEL-colorswap.json``, where each image is
shown with both captions as options (A) and (B), and ``image-MODEL-colorswap.json``, where each
caption stands beside a first and a second image. An item has four answers.

An answer is read by these rules, in this order; the first that names exactly one option decides:

1. a letter: the whole answer is the letter; it begins with ``A)``, ``(A)``, ``Option A`` or
   ``Option (A)``; or it says that the image *presents*, or that *it is*, ``(A)`` or ``option A``;
2. the only letter in brackets, or after "option", in the whole answer;
3. the only caption that is quoted in it, without the words "a", "an", "the", "and" and "with" in
   lower case, and then without regard to case;

and of two images: "the first image (better) aligns", "is more relevant"; otherwise the only ordinal
in the answer. What no rule decides cannot be read, is counted, and is wrong, as its authors count
it. Their rules (``vlm_eval.py``) decide the same way but for two of LLaVA-R's answers, to item 472,
which they cannot read; its scores are the same.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from benchbench.data.records import Record, read_records
from benchbench.errors import MalformedData
from benchbench.importing.answers import Answer, Source

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

MODELS = {"gpt4v": "GPT-4V", "llava": "LLaVA", "llavar": "LLaVA-R"}
"""Part of a file's name → the model."""
NAME = re.compile(r"(text|image)-(.+)-colorswap\.json")
SIDES = ("text", "image")
LETTERS = ("A", "B")
ORDINALS = ("first", "second")
WEAK = re.compile(r"\b(?:a|an|the|with|and)\b")


class ColorSwapReader:
    """ColorSwap's answers of generative models."""

    title = "raw answers of three generative models to ColorSwap, by its authors (JSON)"
    task = "colorswap"
    source = Source(
        "Burapacheep et al., 'ColorSwap: A Color and Word Order Dataset for Multimodal "
        "Evaluation', Findings of ACL 2024",
        "https://github.com/Top34051/colorswap",
        "4f2c9e4",
        "MIT",
    )
    files: Mapping[str, str] = {
        "image-gpt4v-colorswap.json": "abae4b46aaa74e9e8e2e1c2ebc724570"
        "42c92ad0b62e60c75f0e48dc21ba0850",
        "image-llava-colorswap.json": "947702c5e6c455b16070038256db1d4a"
        "ac7d3ea30e93e2fa207faec8686656ae",
        "image-llavar-colorswap.json": "2808f5eed261985c723faf9d3c08da54"
        "181b2a34d14e876799a2c482df203636",
        "text-gpt4v-colorswap.json": "46232e65cf3d837f0db1abe9ec124f0c"
        "19cd51489a862a6b21e95afada196853",
        "text-llava-colorswap.json": "5ab9ca9bf7a087cdbed2271a259880fd"
        "f7755f9fc53c6ade5d269b39106f81fe",
        "text-llavar-colorswap.json": "d76ade6e4a741682e299dfb8d1edef49"
        "cc2fa7525d5aa5ca77a6951fb007aca4",
    }

    def paths(self, path: Path) -> list[Path]:
        """Return the files of a folder, both directions of each model.

        Raises:
            MalformedData: there are none, or one direction is missing.
        """
        found = [each for each in sorted(path.glob("*.json")) if NAME.fullmatch(each.name)]
        if not found:
            raise MalformedData(f"{path} holds no text-MODEL-colorswap.json: name their folder.")
        there = {each.name for each in found}
        for model in _models(found):
            for side in SIDES:
                if (name := f"{side}-{model}-colorswap.json") not in there:
                    raise MalformedData(
                        f"{path} has no {name}. An item's four decisions come from both "
                        "directions: put it there."
                    )
        return found

    def read(self, path: Path, fields: Mapping[str, str]) -> Iterator[Answer]:
        """Read the answers of each model."""
        for model in _models(self.paths(path)):
            texts, images = (_by_id(path / f"{side}-{model}-colorswap.json") for side in SIDES)
            for key, records in texts.items():
                if len(records) != len(images.get(key, ())):
                    raise records[0].wrong("id", f"is {key}, which the other direction has not")
                for text, image in zip(records, images.pop(key), strict=True):
                    yield _answer(MODELS.get(model, model), key, text, image)
            for records in images.values():
                raise records[0].wrong("id", "is one that the other direction has not")


def _models(paths: list[Path]) -> list[str]:
    found = [match[2] for path in paths if (match := NAME.fullmatch(path.name))]
    return sorted(set(found))


def _by_id(path: Path) -> dict[int, list[Record]]:
    found: dict[int, list[Record]] = {}
    for record in read_records(path):
        found.setdefault(record.whole("id"), []).append(record)
    return found


def _answer(model: str, key: int, text: Record, image: Record) -> Answer:
    """Return the four decisions on an item, with its captions and images."""
    logs = [text.record(f"log_{i}") for i in (1, 2)]
    own = [log.text(f"caption_{_place(log, LETTERS) + 1}") for log in logs]
    by_image = [
        _right(_letter(text.text(f"response_image_{i}"), _options(log)), log, LETTERS)
        for i, log in zip((1, 2), logs, strict=True)
    ]
    by_caption = []
    for i, caption in zip((1, 2), own, strict=True):
        log = image.record(f"log_{i}")
        if log.text("caption") != caption:
            raise log.wrong("caption", f"should be '{caption}', as in the other direction")
        by_caption.append(_right(_ordinal(image.text(f"response_caption_{i}")), log, ORDINALS))
    return Answer(
        text.where, model, None, caption=own[0], foil=own[1], id=str(key),
        images=tuple(PurePosixPath(log.text("image_url")).name for log in logs),
        sides=(*by_image, *by_caption),
    )  # fmt: skip


def _options(log: Record) -> tuple[str, str]:
    return log.text("caption_1"), log.text("caption_2")


def _place(log: Record, names: tuple[str, str]) -> int:
    """Return which option is right."""
    answer = log.text("correct_answer")
    if answer not in names:
        raise log.wrong("correct_answer", f"should be {names[0]} or {names[1]}, not '{answer}'")
    return names.index(answer)


def _right(chosen: int | None, log: Record, names: tuple[str, str]) -> bool | None:
    """Return whether the right option was chosen; None where none can be read."""
    return None if chosen is None else chosen == _place(log, names)


def _only(*named: bool) -> int | None:
    """Return which of two options alone is named; None where both are, or neither."""
    return named.index(True) if sum(named) == 1 else None


def _letter(answer: str, options: tuple[str, str]) -> int | None:
    """Return which caption an answer names.

    >>> options = ("a red cat and a blue dog", "a blue cat and a red dog")
    >>> _letter("B", options), _letter("The image presents (A), not (B).", options)
    (1, 0)
    >>> _letter("A blue cat with the red dog.", options), _letter("Neither.", options)
    (1, None)
    """
    answer = answer.strip()
    rules = (_says, _names)
    found = (_only(*(rule(answer, letter) for letter in LETTERS)) for rule in rules)
    chosen = next((each for each in found if each is not None), None)
    if chosen is not None:
        return chosen
    words = _bare(answer)
    return _only(*(_bare(option) in words for option in options))


def _says(answer: str, letter: str) -> bool:
    """Return whether an answer says a letter outright."""
    named = rf"(?:option )?\(?{letter}\)|option {letter}\b"
    return bool(
        re.fullmatch(rf"{letter}\.?", answer)
        or re.match(rf"\(?{letter}\)|Option \(?{letter}\b", answer)
        or re.search(rf"(?:presents|it is|it would imply|represent) (?:{named})", answer, re.I)
    )


def _names(answer: str, letter: str) -> bool:
    """Return whether a letter is in an answer anywhere, in brackets or after "option"."""
    return bool(re.search(rf"\({letter}\)|\boption {letter}\b", answer, re.I))


def _bare(text: str) -> str:
    """Return a text's words in lower case, without the weak ones that are so already."""
    return " ".join(WEAK.sub(" ", text).lower().split())


def _ordinal(answer: str) -> int | None:
    """Return which image an answer names.

    >>> _ordinal("The second image better aligns; the first shows a dog."), _ordinal("Neither.")
    (1, None)
    """
    text = answer.lower()
    aligns = r"image (?:better aligns|aligns better|is more relevant)"
    chosen = _only(*(bool(re.search(f"{each} {aligns}", text)) for each in ORDINALS))
    return chosen if chosen is not None else _only(*(each in text for each in ORDINALS))


READER = ColorSwapReader()
