"""Reader of BiVLC's published decisions of four CLIPs on SugarCrepe: one CSV file a model.

Published beside BiVLC (Miranda et al., NeurIPS 2024 Datasets and Benchmarks; MIT) at
IMirandaM/BiVLC@84f0d17, ``results/SUGARCREPE_CORRECT_MODEL.csv``: file name, both captions, type
and subtype (the subset), and 1 or 0. Items are those of SugarCrepe's first release.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.data.tables import csv_rows
from benchbench.errors import MalformedData
from benchbench.importing.answers import Answer, Source, right_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

MODELS = {
    "ViT-B-32": "OpenAI ViT-B/32",
    "CLIP_COCO": "ViT-B/32 tuned on COCO",
    "CLIP_TROHN-Text": "ViT-B/32 tuned on TROHN-Text",
    "CLIP_TROHN-Img": "ViT-B/32 tuned on TROHN-Img",
}
"""End of a file's name → the model."""
STEM = "SUGARCREPE_CORRECT_"
COLUMNS = ("filename", "caption", "negative_caption", "type", "subtype", "correct")


class ModelFiles:
    """Files of a folder, one a model, whose names begin alike."""

    def __init__(self, stem: str) -> None:
        self._stem = stem

    def paths(self, path: Path) -> list[Path]:
        """Return the file, or every file of that name in a folder.

        Raises:
            MalformedData: the folder has none.
        """
        paths = sorted(path.glob(f"{self._stem}*.csv")) if path.is_dir() else [path]
        if not paths:
            raise MalformedData(f"{path} holds no {self._stem}MODEL.csv.")
        return paths

    def rows(
        self, path: Path, columns: Sequence[str]
    ) -> Iterator[tuple[str, str, Mapping[str, str]]]:
        """Yield the place of each row in each file, its model and the row itself."""
        for each in self.paths(path):
            ending = each.stem.removeprefix(self._stem)
            for number, row in enumerate(csv_rows(each, columns), 2):
                yield f"{each}, line {number}", MODELS.get(ending, ending), row


class BivlcReader:
    """SugarCrepe's decisions beside BiVLC."""

    title = "SugarCrepe decisions of four CLIPs, published beside BiVLC (CSV)"
    task = "sugarcrepe"
    source = Source(
        "Miranda et al., 'BiVLC: Extending Vision-Language Compositionality Evaluation with "
        "Text-to-Image Retrieval', NeurIPS 2024",
        "https://github.com/IMirandaM/BiVLC",
        "84f0d17",
        "MIT",
    )
    files: Mapping[str, str] = {
        f"{STEM}ViT-B-32.csv": "91a6086987a7870ed5d5dcd2db287b5cbe477edb4ba54c5faed89d5cb9497db8",
        f"{STEM}CLIP_COCO.csv": "fa2a1b8a8d1040ebc4db6b94d5cf9d32a70a5a1fe394f866d5c7bc5ef0d3bda8",
        f"{STEM}CLIP_TROHN-Text.csv": "412972732dec0be3a79e615b1e71bbf8f1097cf02e247741889d8297cb"
        "2346e7",
        f"{STEM}CLIP_TROHN-Img.csv": "23fa5ba9e25925be48dad1713471e2a0c423b4eece4f1a38df5c670001a"
        "0dd40",
    }

    def paths(self, path: Path) -> list[Path]:
        """Return the file, or every file of that name in a folder."""
        return FILES.paths(path)

    def read(self, path: Path, fields: Mapping[str, str]) -> Iterator[Answer]:
        """Read the decisions of each model."""
        for where, model, row in FILES.rows(path, COLUMNS):
            try:
                right = right_of(row["correct"])
            except ValueError as error:
                raise MalformedData(f"{where}: correct is {error}.") from error
            yield Answer(
                where, model, right, row["filename"], row["caption"], row["negative_caption"],
                subset=f"{row['type']}_{row['subtype']}",
            )  # fmt: skip


FILES = ModelFiles(STEM)
READER = BivlcReader()
