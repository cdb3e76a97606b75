"""Reader of GPT-4V's published answers to SugarCrepe in two orders: JSON, one file a subset.

Published by SugarCrepe's authors (RAIVNLab/sugar-crepe@0047054b, ``gpt-4v-results``; MIT): a folder
``positive-first``, where the true caption is option (1), and one ``negative-first``. An answer that
names neither caption cannot be read; its authors count it as wrong, and so is it here. A folder
with both gives three models: each order by itself, and ``both orders``, which is right only if
both answers are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.data.records import Record, read_content
from benchbench.errors import MalformedData
from benchbench.importing.answers import Answer, Source

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

ORDERS = ("positive-first", "negative-first")
MODEL = "GPT-4V"
NAMES = {"positive-first": "true caption first", "negative-first": "false caption first"}
STEM = "gpt4v-"


class Gpt4vReader:
    """SugarCrepe's answers of GPT-4V."""

    title = "GPT-4V's answers to SugarCrepe in both orders, published by its authors (JSON)"
    task = "sugarcrepe"
    source = Source(
        "Hsieh et al., 'SugarCrepe: Fixing Hackable Benchmarks for Vision-Language "
        "Compositionality', NeurIPS 2023",
        "https://github.com/RAIVNLab/sugar-crepe",
        "0047054b",
        "MIT",
    )
    files: Mapping[str, str] = {
        "negative-first/gpt4v-add_att.json": "958be0d8a92e922dbdca9e18f0cf2213"
        "d0547943524bc827373aebca47dca73f",
        "negative-first/gpt4v-add_obj.json": "85911960dc373d45de27b776921be967"
        "8219f9065b318d8968b628ed134414e9",
        "negative-first/gpt4v-replace_att.json": "a77953a0ff64783013a9629f79906fc2"
        "a004569ab02c23b8bfc2215ed1f99559",
        "negative-first/gpt4v-replace_obj.json": "5cb46cd69933830f4510a9571ef1b7d3"
        "22819ad91d051a42a74428da4b606253",
        "negative-first/gpt4v-replace_rel.json": "b0e427c1eff63c87d38cff3c34fc4a20"
        "14bcbf566c306777cc6ee1e835bfce20",
        "negative-first/gpt4v-swap_att.json": "e50fe49cfd551938820c8d9815f43529"
        "a31940eeade81cef4e25fb16ecaee69b",
        "negative-first/gpt4v-swap_obj.json": "7619bb690cdd0ed3a5adae2b5a607893"
        "4c08221f393f426856f7643fb12430a3",
        "positive-first/gpt4v-add_att.json": "90561720c6afe02dadc75bf44cf106f9"
        "f6952f03a5853e1ccda58c7580d5ca4b",
        "positive-first/gpt4v-add_obj.json": "647cf3bbcc0b77f2cda02e536b92bb6f"
        "466f8d1085d582ab2d93e1173470ed8a",
        "positive-first/gpt4v-replace_att.json": "7d0691b0b75c285a9bafa2edcd567eb2"
        "d2c6ca504b5893ff6396eff6addfb40d",
        "positive-first/gpt4v-replace_obj.json": "6a2c2208f50d6976065e4cf7bbba1765"
        "165329b0177f1d15391a24731b6cc04e",
        "positive-first/gpt4v-replace_rel.json": "ceea316b45695e91f6525367db9438e4"
        "8cede674bbc548c38c35ad26065bf893",
        "positive-first/gpt4v-swap_att.json": "fe8b902ceedb4b1715ac3ae385a92475"
        "92648796cfd98ba77d265c8bf8f0a085",
        "positive-first/gpt4v-swap_obj.json": "23a3f1232d778cda02054d6a09a53957"
        "fdb55dd50cb80b4a9203eb4f8b786ab9",
    }

    def paths(self, path: Path) -> list[Path]:
        """Return the files of a folder of one order, or of one that holds both."""
        paths = sorted([*path.glob(f"{STEM}*.json"), *path.glob(f"*/{STEM}*.json")])
        if not paths:
            raise MalformedData(
                f"{path} holds no {STEM}SUBSET.json, and no {' or '.join(ORDERS)} with such files."
            )
        return paths

    def read(self, path: Path, fields: Mapping[str, str]) -> Iterator[Answer]:
        """Read a folder of one order, or one that holds both."""
        self.paths(path)
        there = [order for order in ORDERS if (path / order).is_dir()]
        if not there:
            yield from _order(path, path.name)
            return
        found = {order: list(_order(path / order, order)) for order in there}
        for answers in found.values():
            yield from answers
        if len(there) == len(ORDERS):
            yield from _both(*(found[order] for order in ORDERS))


def _order(folder: Path, order: str) -> Iterator[Answer]:
    """Read the answers of one order."""
    model = f"{MODEL}, {NAMES.get(order, order)}"
    for path in sorted(folder.glob(f"{STEM}*.json")):
        content = read_content(path)
        if not isinstance(content, dict):
            raise MalformedData(f"{path} should hold an object of answers.")
        for key, each in content.items():
            if not isinstance(each, dict):
                continue  # the accuracy that one file holds besides
            record = Record(path, key, each)
            caption, foil = record.text("caption"), record.text("negative_caption")
            chosen = _chosen(record, each.get("answer"))
            right = True if chosen == caption else False if chosen == foil else None
            yield Answer(
                f"{path}, record {key}", model, right, record.text("filename"), caption, foil,
                subset=path.stem.removeprefix(STEM),
            )  # fmt: skip


def _chosen(record: Record, answer: object) -> str:
    """Return the caption that an answer names; "" if it names none."""
    chosen = answer.get("multiple_choice_answer") if isinstance(answer, dict) else None
    if not isinstance(chosen, str):
        raise record.wrong("answer", "should have a text multiple_choice_answer")
    return chosen


def _both(first: list[Answer], second: list[Answer]) -> Iterator[Answer]:
    """Yield the answers that both orders make: right only if both are."""

    def content(answer: Answer) -> tuple[str, ...]:
        return (answer.subset, answer.image, answer.caption, answer.foil)

    others: dict[tuple[str, ...], list[Answer]] = {}
    for answer in second:
        others.setdefault(content(answer), []).append(answer)
    for answer in first:
        waiting = others.get(content(answer))
        if not waiting:
            raise MalformedData(f"{answer.where}: the other order has no answer to this item.")
        other = waiting.pop(0)
        both = (answer.right, other.right)
        right = None if None in both and False not in both else all(both)
        yield Answer(
            answer.where, f"{MODEL}, both orders", right, answer.image, answer.caption, answer.foil,
            subset=answer.subset,
        )  # fmt: skip


READER = Gpt4vReader()
