"""CxC: further true pairs of COCO's test images and captions, by people (Parekh et al., 2021)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.data.matches import match_files, read_matches
from benchbench.protocols.shared_metrics import many_to_many, retrieval_metrics
from benchbench.types import TaskInfo

if TYPE_CHECKING:
    from pathlib import Path

    from benchbench.types import Entry

CODE = "naver-ai/eccv-caption"


class CxC:
    """Photographs and captions that search each other; some have several true answers."""

    info = TaskInfo(
        name="cxc",
        title="Crisscrossed Captions",
        version=1,
        protocol="retrieval",
        headline="R@1",
        metrics=(*retrieval_metrics(), *many_to_many(f"{CODE}, _metrics.py")[:2]),
        files=match_files("cxc", CODE),
        paper=(
            "Parekh, Baldridge, Cer, Waters and Yang, 'Crisscrossed Captions: Extended "
            "Intramodal and Intermodal Semantic Similarity Judgments for MS-COCO', EACL 2021; "
            "matches as in ECCV Caption (Chun et al., ECCV 2022)"
        ),
        license="MIT (matches); COCO, CC BY 4.0 (captions; photographs' own licences apply)",
        measures=(
            "COCO retrieval where pairs that people judged alike count as true, too: 5,000 images "
            "with 35,585 true captions. Scores are a little above COCO's."
        ),
        tags=("direction",),
        size="5,000 images",
        suites=("retrieval",),
        quirks=(
            "Two captions of one wording are one candidate, true of what either is true of.",
            "The file of COCO's captions was not at hand: no edition is called official; the "
            "matches are checked against the authors' files.",
        ),
    )

    def items(self, root: Path) -> list[Entry]:
        """Return an entry per image."""
        return read_matches(root, "cxc")


TASK = CxC()
