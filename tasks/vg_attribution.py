"""VG-Attribution: which attribute belongs to which object? (ARO; Yüksekgönül et al., ICLR 2023)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.data.aro import read_attributions, stream_attributions
from benchbench.data.official import VG_ATTRIBUTION
from benchbench.protocols.harnesses import first_caption
from benchbench.types import DataFile, Harness, Metric, TaskInfo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchbench.types import Item

ARO = "mertyg/vision-language-models-are-bows-and-what-to-do-about-it"

METRICS = (
    Metric(
        name="aro-paper",
        meaning="attribute pairs with 25 items",
        by="attributes",
        at_least=25,
        ties="wrong",
        source=f"{ARO}: the notebook, and main_aro.py alike",
    ),
    Metric(
        name="structclip-paper",
        meaning="attribute pairs, all",
        by="attributes",
        source="Huang et al., 'Structure-CLIP', AAAI 2024; its rule for ties is not in print",
    ),
    Metric(
        name="mteb-micro",
        meaning="items",
        ties="right",
        source="mteb's image-text pair tasks; unibench",
    ),
    Metric(name="micro", meaning="items"),
    Metric(
        name="colours",
        meaning="ordered pairs of colours",
        by="attributes",
        only=(("kind", "colours"),),
        kinds=("drawn",),
    ),
    Metric(
        name="patterns",
        meaning="ordered pairs of patterns",
        by="attributes",
        only=(("kind", "patterns"),),
        kinds=("drawn",),
    ),
)

PAIRS_OF_25 = Metric(
    "pairs of 25", "attribute pairs with 25 items", by="attributes", at_least=25, ties="wrong"
)
HARNESSES = (
    Harness(
        "ARO, notebook",
        "VG-Attribution Macro Accuracy",
        PAIRS_OF_25,
        f"{ARO}, notebooks/Replicate ARO!",
    ),
    Harness(
        "ARO, main_aro.py",
        "a row per pair with 25 items; here their mean",
        PAIRS_OF_25,
        f"{ARO}, dataset_zoo/aro_datasets.py, VG_Attribution.evaluate_scores",
    ),
    Harness(
        "Structure-CLIP",
        "acc_test_attribution",
        Metric("pairs", "attribute pairs, all", by="attributes", ties="wrong"),
        "zjukg/Structure-CLIP, model/eval.py, test_vg_attribution: the false option first, as in "
        "ARO",
    ),
    *first_caption(
        "AROVisualAttribution", "vg_attribution", "a mirror without boxes: probably whole images"
    ),
)


class VGAttribution:
    """Items of one crop and two captions, one with the attributes of the two objects swapped."""

    info = TaskInfo(
        name="vg-attribution",
        title="VG-Attribution",
        version=1,
        protocol="matching",
        headline="aro-paper",
        headlines={"drawn": "micro"},
        metrics=METRICS,
        files=(
            DataFile(
                path="visual_genome_attribution.json",
                what="28,748 items",
                source="ARO's download, Google Drive id 13tWvOrNOLHxl3Rm9cR3geAdHx2qR3-Tw",
            ),
            DataFile(
                path="images/",
                what="4,517 photographs of Visual Genome (about 1 GB with VG-Relation's)",
                source="vgr_vga_images.zip, Google Drive id 1qaPlrwhGNMrR3a11iopZUT_GPP_LrgP9",
            ),
        ),
        paper=(
            "Yüksekgönül, Bianchi, Kalluri, Jurafsky and Zou, 'When and why vision-language "
            "models behave like bags-of-words, and what to do about it?', ICLR 2023"
        ),
        license="MIT (annotations); Visual Genome, CC BY 4.0 (photographs' own licences apply)",
        measures=(
            "Whether a model prefers 'the crouched cat and the white book' to 'the white cat and "
            "the crouched book' over the crop that holds both. Chance is 50. On photographs many "
            "swapped captions are unlikely sentences ('the crouched book'): read it beside a blind "
            "baseline."
        ),
        content={"official": {"visual_genome_attribution.json": (VG_ATTRIBUTION,)}},
        tags=("attributes",),
        optional_tags=("kind", "composition"),
        harnesses=HARNESSES,
        size="28,748 items",
        suites=("aro", "compositional"),
        quirks=(
            "A pair is ordered: red_blue and blue_red are two groups, as upstream.",
            "6.4 items share an image on average: intervals resample images, not items.",
        ),
    )

    def items(self, root: Path) -> list[Item]:
        """Return one item per record, true caption first."""
        return read_attributions(root)

    def stream(self, root: Path) -> Iterator[Item]:
        """Yield the same items one by one."""
        return stream_attributions(root)


TASK = VGAttribution()
