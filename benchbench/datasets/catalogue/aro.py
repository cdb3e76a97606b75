"""ARO's VG-Relation and VG-Attribution (Yüksekgönül et al., ICLR 2023).

ARO publishes by Google Drive alone, without digests. Counts: its paper; distinct images and
captions: counted on its files. Mirrors on model hubs hold the captions and the images without the
images' names (``mteb/ARO-Visual-Relation``), so that they cannot stand in for these files.
"""

from benchbench.data.official import VG_ATTRIBUTION, VG_RELATION
from benchbench.datasets.manifest import Dataset, File, Folder, Source

NOTE = "the authors' Google Drive: limited downloads a day"

DATASET = Dataset(
    name="aro",
    title="ARO: VG-Relation and VG-Attribution",
    licence="MIT (annotations); Visual Genome, CC BY 4.0; the photographs' own licences apply",
    citation="Yüksekgönül et al., When and why vision-language models behave like bags-of-words, "
    "ICLR 2023; arXiv 2210.01936",
    homepage="https://github.com/mertyg/vision-language-models-are-bows",
    files=(
        File(
            "visual_genome_relation.json",
            (Source("gdrive://1kX2iCHEv0CADL8dSO1nMdW-V0NqIAiP3", NOTE),),
            content=VG_RELATION,
        ),
        File(
            "visual_genome_attribution.json",
            (Source("gdrive://13tWvOrNOLHxl3Rm9cR3geAdHx2qR3-Tw", NOTE),),
            content=VG_ATTRIBUTION,
        ),
    ),
    folders=(
        Folder(
            "images/",
            archives=(
                File(
                    "vgr_vga_images.zip",
                    (Source("gdrive://1qaPlrwhGNMrR3a11iopZUT_GPP_LrgP9", NOTE),),
                ),
            ),
            images=5_316,
            at_most=20_000,
            unpacked=4_000_000_000,
            like="[0-9]*.jpg",
        ),
    ),
    tasks=("vg-relation", "vg-attribution"),
    how="Google Drive needs gdown: pip install 'benchbench-vl[drive]'. Or download the files in "
    "a browser (https://drive.google.com/uc?id=ID), and type: benchbench data get aro --from DIR",
)
