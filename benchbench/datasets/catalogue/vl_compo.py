"""Published accuracies of 202 checkpoints on 12 compositional suites (Oh et al. 2024)."""

from benchbench.datasets.manifest import Dataset, File, Source

RAW = "https://raw.githubusercontent.com/ytaek-oh/vl_compo/main"

FILES = {
    "results.csv": (50_027, "7802dfff78e90f6b6754fb91268c52ac04c1827526456a4e7b0a0b482156a137"),
    "individual_results.csv": (
        411_180,
        "732af73af35f7e0b10c7cd58709b54504f95d2778b74193f8be58d13bafc5da5",
    ),
}
"""File → bytes and SHA-256."""

DATASET = Dataset(
    name="vl-compo",
    title="vl-compo's table of published accuracies",
    licence="none stated: for your own use only",
    citation="Oh et al., Exploring the Spectrum of Visio-Linguistic Compositionality and "
    "Recognition, 2024; arXiv 2406.09388",
    homepage="https://github.com/ytaek-oh/vl_compo",
    files=tuple(
        File(
            path,
            (Source(f"{RAW}/{path}", "a branch; the digest is of commit 43e2eae"),),
            size,
            f"sha256:{digest}",
        )
        for path, (size, digest) in FILES.items()
    ),
    tasks=(),
)
