"""VG-Relation: who does what to whom? (ARO; Yüksekgönül et al., ICLR 2023)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.data.aro import dropped_relations, read_relations, stream_relations
from benchbench.data.official import VG_RELATION
from benchbench.protocols.harnesses import first_caption
from benchbench.types import DataFile, Harness, Metric, TaskInfo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchbench.types import Item

ARO = "mertyg/vision-language-models-are-bows-and-what-to-do-about-it"

METRICS = (
    # ARO's list of relations to leave out contains symmetric ("next to") and rare ones.
    Metric(
        name="aro-paper",
        meaning="relations, less ARO's 157",
        by="relation",
        leave_out=dropped_relations(),
        ties="wrong",
        source=f"{ARO}, notebook 'Replicate ARO! VG-Relation, VG-Attribution'",
    ),
    Metric(
        name="aro-code",
        meaning="relations, all",
        by="relation",
        ties="wrong",
        source=f"{ARO}, main_aro.py",
    ),
    Metric(
        name="structclip-paper",
        meaning="relations, less ARO's 157",
        by="relation",
        leave_out=dropped_relations(),
        source="Huang et al., 'Structure-CLIP', AAAI 2024; its rule for ties is not in print",
    ),
    Metric(
        name="mteb-micro",
        meaning="items",
        ties="right",
        source="mteb's image-text pair tasks; unibench",
    ),
    Metric(name="macro", meaning="relations, all", by="relation"),
    # Left and right test another ability than "who rides whom"; on photographs: --by kind.
    Metric(
        name="left-right",
        meaning="relations: left, right",
        by="relation",
        only=(("kind", "left/right"),),
        kinds=("drawn",),
    ),
    Metric(
        name="others",
        meaning="relations but left and right",
        by="relation",
        only=(("kind", "other"),),
        kinds=("drawn",),
    ),
    Metric(name="micro", meaning="items"),
)

OF_ARO = Metric("relations", "relations, less ARO's 157", by="relation",
                leave_out=dropped_relations(), ties="wrong")  # fmt: skip
HARNESSES = (
    Harness(
        "ARO, notebook", "VG-Relation Macro Accuracy", OF_ARO, f"{ARO}, notebooks/Replicate ARO!"
    ),
    Harness(
        "ARO, main_aro.py",
        "a row per relation; here their mean",
        Metric("rows", "relations, all", by="relation", ties="wrong"),
        f"{ARO}, dataset_zoo/aro_datasets.py, VG_Relation.evaluate_scores",
    ),
    Harness(
        "Structure-CLIP",
        "acc_test_relation",
        OF_ARO,
        "zjukg/Structure-CLIP, model/eval.py, test_vg_relation: the false option first, as in ARO",
    ),
    *first_caption(
        "AROVisualRelation", "vg_relation", "a mirror without boxes: probably whole images"
    ),
)


class VGRelation:
    """Items of one crop and two captions, one with subject and object swapped."""

    info = TaskInfo(
        name="vg-relation",
        title="VG-Relation",
        version=1,
        protocol="matching",
        headline="aro-paper",
        metrics=METRICS,
        files=(
            DataFile(
                path="visual_genome_relation.json",
                what="23,937 items",
                source="ARO's download, Google Drive id 1kX2iCHEv0CADL8dSO1nMdW-V0NqIAiP3",
            ),
            DataFile(
                path="images/",
                what="5,316 photographs of Visual Genome (about 1 GB)",
                source="vgr_vga_images.zip, Google Drive id 1qaPlrwhGNMrR3a11iopZUT_GPP_LrgP9",
            ),
        ),
        paper=(
            "Yüksekgönül, Bianchi, Kalluri, Jurafsky and Zou, 'When and why vision-language "
            "models behave like bags-of-words, and what to do about it?', ICLR 2023"
        ),
        license="MIT (annotations); Visual Genome, CC BY 4.0 (photographs' own licences apply)",
        measures=(
            "Whether a model prefers 'the horse is on the grass' to 'the grass is on the horse' "
            "over the crop that holds both. Chance is 50. On photographs many items can be "
            "answered from the text alone, because one order is the likelier sentence: read it "
            "beside a blind baseline."
        ),
        content={"official": {"visual_genome_relation.json": (VG_RELATION,)}},
        tags=("relation",),
        optional_tags=("kind", "composition"),
        harnesses=HARNESSES,
        size="23,937 items",
        suites=("aro", "compositional"),
        quirks=(
            "Four definitions of its accuracy are in print (aro-paper, aro-code, structclip-paper, "
            "mteb-micro); all are computed from one run.",
            "4.5 items share an image on average: intervals resample images, not items.",
            "Fine-tuned OpenAI weights read with GELU instead of QuickGELU score higher here.",
        ),
    )

    def items(self, root: Path) -> list[Item]:
        """Return one item per record, true caption first."""
        return read_relations(root)

    def stream(self, root: Path) -> Iterator[Item]:
        """Yield the same items one by one."""
        return stream_relations(root)


TASK = VGRelation()
