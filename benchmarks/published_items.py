"""Write annotations of BiVLC and ColorSwap out of their authors' published results.

    python -m benchmarks.published_items RESULTS SUGARCREPE --out DIR

Neither suite's annotations are in a repository of their authors, but the answers that they publish
hold what makes an item: captions, kinds, ids, and names of images. BiVLC's CSV files do not name
the photographs. They follow from SugarCrepe, out of whose first release its items were chosen, with
captions changed in case and in the full stop alone. The files suffice for ``benchbench import``:
they have no images.
"""

from __future__ import annotations

import json
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import click

from benchbench.atomic import written_whole
from benchbench.data.records import read_keyed_records, read_records
from benchbench.data.tables import csv_rows
from benchbench.errors import MalformedData

if TYPE_CHECKING:
    from collections.abc import Iterable

SUBSETS = (
    "add_att", "add_obj", "replace_att", "replace_obj", "replace_rel", "swap_att", "swap_obj",
)  # fmt: skip


@click.command()
@click.argument("results", type=click.Path(path_type=Path))
@click.argument("sugarcrepe", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The data root.")
def main(results: Path, sugarcrepe: Path, out: Path) -> None:
    """Write bivlc/test.jsonl and colorswap/test.json under the data root.

    RESULTS holds the folders bivlc and colorswap, SUGARCREPE the first release's annotations.
    """
    write_bivlc(results / "bivlc" / "BiVLC_ViT-B-32.csv", sugarcrepe, out)
    write_colorswap(results / "colorswap" / "text-gpt4v-colorswap.json", out)
    click.echo(out)


def write_bivlc(table: Path, sugarcrepe: Path, root: Path) -> Path:
    """Write BiVLC's items, in the order of the table.

    Args:
        table: a model's published results.
        sugarcrepe: a folder with SugarCrepe's first release.
        root: the data root.

    Raises:
        MalformedData: an item is none of SugarCrepe's.
    """
    photographs: dict[tuple[str, str, str], list[str]] = {}
    for subset in SUBSETS:
        for record in read_keyed_records(sugarcrepe / f"{subset}.json").values():
            captions = _plain(record.text("caption")), _plain(record.text("negative_caption"))
            photographs.setdefault((subset, *captions), []).append(record.text("filename"))
    lines = []
    for number, row in enumerate(csv_rows(table)):
        subset = f"{row['type']}_{row['subtype']}"
        key = subset, _plain(row["caption"]), _plain(row["negative_caption"])
        if not photographs.get(key):
            raise MalformedData(f"{table}, row {number}, is no item of {sugarcrepe}.")
        # Two items have the same captions on two photographs, which nothing distinguishes here.
        name = photographs[key].pop(0)
        line = {
            "image": f"images/{name}",
            "caption": row["caption"],
            "negative_caption": row["negative_caption"],
            "negative_image": f"images/generated_{number}.jpg",
            "type": row["type"],
            "subtype": row["subtype"],
        }
        lines.append(json.dumps(line, ensure_ascii=False))
    return _written(root / "bivlc" / "test.jsonl", "\n".join(lines) + "\n")


def _plain(text: str) -> str:
    """Return a caption's words: letters and digits, in lower case."""
    return " ".join(re.sub(r"[^a-z0-9 ]", "", text.lower()).split())


def write_colorswap(answers: Path, root: Path) -> Path:
    """Write ColorSwap's items, in the order of a model's published answers."""
    items = []
    for record in read_records(answers):
        item: dict[str, Any] = {"id": record.whole("id")}
        for i in (1, 2):
            log = record.record(f"log_{i}")
            own = {"A": "caption_1", "B": "caption_2"}[log.text("correct_answer")]
            item[f"caption_{i}"] = log.text(own)
            item[f"image_{i}"] = f"images/{PurePosixPath(log.text('image_url')).name}"
        items.append(item)
    return _written(root / "colorswap" / "test.json", _indented(items))


def _indented(items: Iterable[dict[str, Any]]) -> str:
    return json.dumps(list(items), indent=1, ensure_ascii=False) + "\n"


def _written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as temporary:
        temporary.write_text(text, "utf-8")
    return path


if __name__ == "__main__":
    main()
