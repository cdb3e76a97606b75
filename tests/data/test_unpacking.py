"""Tables with images inside become lines and files, whole or not at all."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchbench.data.unpacking import unpack
from benchbench.errors import MalformedData, MissingData, UsageError
from tests.suites import photograph
from tests.suites.bivlc import IMAGE, ROWS, shards


def png(header: bytes) -> bytes:
    """Return the beginning of a PNG file, with this as its header's content."""
    chunk = b"IHDR" + header
    parts = (struct.pack(">I", len(header)), chunk, struct.pack(">I", zlib.crc32(chunk)))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_every_row_and_every_distinct_image_is_there(tmp_path: Path) -> None:
    found = shards(tmp_path / "hub", tmp_path / "originals")
    seen: list[tuple[str, int, int]] = []
    path = unpack(found[::-1], tmp_path / "out", "test", lambda *told: seen.append(told))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["caption"] for line in lines] == [row[1] for row in ROWS]
    assert lines[0]["image"] == lines[1]["image"] != lines[2]["image"]
    assert len(list((tmp_path / "out" / "images").iterdir())) == 3 + 4
    assert Path(lines[0]["image"]).suffix == ".jpg"
    assert Path(lines[0]["negative_image"]).suffix == ".png"
    assert seen[-1] == ("rows", 4, 4)


def test_bare_bytes_are_images_too_and_numbers_stay(tmp_path: Path) -> None:
    content = photograph(tmp_path / "a.png").read_bytes()
    table = pa.table({"image": [content], "n": [3], "texts": [["a", "b"]], "none": [None]})
    pq.write_table(table, tmp_path / "t.parquet")
    line = json.loads(unpack([tmp_path / "t.parquet"], tmp_path / "out", "x").read_text())
    assert (line["n"], line["texts"], line["none"]) == (3, ["a", "b"], None)
    assert (tmp_path / "out" / line["image"]).read_bytes() == content


def test_what_is_wrong_is_named_and_no_lines_are_left(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No table to unpack"):
        unpack([], tmp_path, "x")
    with pytest.raises(MissingData, match=r"none\.parquet"):
        unpack([tmp_path / "none.parquet"], tmp_path, "x")
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(MalformedData, match="not a Parquet file"):
        unpack([tmp_path / "bad.parquet"], tmp_path, "x")
    huge = struct.pack(">II5B", 30_000, 30_000, 8, 2, 0, 0, 0)
    for content in (b"no image", png(huge), png(huge[:4])):
        broken = pa.table({"image": pa.array([{"bytes": content, "path": "a"}], IMAGE)})
        pq.write_table(broken, tmp_path / "broken.parquet")
        with pytest.raises(MalformedData, match="row 0, image: no image") as raised:
            unpack([tmp_path / "broken.parquet"], tmp_path / "out", "x")
        assert "BytesIO" not in str(raised.value)
    times = pa.table({"at": pa.array([0], pa.timestamp("s"))})
    pq.write_table(times, tmp_path / "times.parquet")
    with pytest.raises(UsageError, match="row 0, at: a datetime is not a text, number or image"):
        unpack([tmp_path / "times.parquet"], tmp_path / "out", "x")
    assert not (tmp_path / "out" / "x.jsonl").exists()
