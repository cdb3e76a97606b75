"""ECCV Caption: COCO's missing matches, found by models and checked (Chun et al., ECCV 2022)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.data.matches import match_files, read_matches
from benchbench.protocols.shared_metrics import many_to_many
from benchbench.types import TaskInfo

if TYPE_CHECKING:
    from pathlib import Path

    from benchbench.types import Entry

CODE = "naver-ai/eccv-caption"


class EccvCaption:
    """Photographs and captions that search each other; most have several true answers."""

    info = TaskInfo(
        name="eccv-caption",
        title="ECCV Caption",
        version=1,
        protocol="retrieval",
        headline="mAP@R",
        metrics=many_to_many(f"{CODE}, compute_eccv_metrics"),
        files=match_files("eccv", CODE),
        paper=(
            "Chun, Kim, Park, Chang and Oh, 'ECCV Caption: Correcting False Negatives by "
            "Collecting Machine-and-Human-verified Image-Caption Associations for MS-COCO', ECCV "
            "2022"
        ),
        license="MIT (matches); COCO, CC BY 4.0 (captions; photographs' own licences apply)",
        measures=(
            "Whether all that fits is found, not the one that COCO happens to pair: 1,261 images "
            "search 25,002 captions (17.9 true ones each), 1,332 captions search 5,000 images (8.5 "
            "each)."
        ),
        tags=("direction",),
        size="5,000 images",
        suites=("retrieval",),
        quirks=(
            "Two captions of one wording are one candidate, true of what either is true of.",
            "Matches were found among the best answers of five models (VSRN, PVSE, ViLT, CLIP, "
            "PCME): like models may profit (its paper).",
            "The file of COCO's captions was not at hand: no edition is called official; the "
            "matches are checked against the authors' files.",
        ),
    )

    def items(self, root: Path) -> list[Entry]:
        """Return an entry per image; those without true captions of their own do not search."""
        return read_matches(root, "eccv")


TASK = EccvCaption()
