"""SugarCrepe++: two true captions and a false one an image (Dumpala et al., NeurIPS 2024)."""

from benchbench.datasets.manifest import Dataset, File, Link, Source

RAW = "https://raw.githubusercontent.com/Sri-Harsha/scpp/main/data"

FILES = {
    "replace_att.json": (
        226_275,
        "6826413592894754eeca02aeebbcbbc8b95a7456998abcc714e71c033ce6fe87",
    ),
    "replace_obj.json": (
        456_601,
        "5c6dc499ec8f511a8aa4ec1b7b5eb0eca90317488abe36ec39573355e2d361ab",
    ),
    "replace_rel.json": (
        392_738,
        "040fb95d3f0619bf515db60879e99709a87a5e9b4f524ec3403b127243480fd4",
    ),
    "swap_att.json": (198_206, "450d0fd9fcad3e6f44950dc634e7f901ab1c6d9c60a569ade5ae8ffb3d203ad8"),
    "swap_obj.json": (74_611, "5f33cae824de431a7ecd3c5de6301f689815f9497aa36d96b154bbaf117b201b"),
}
"""File → bytes and SHA-256."""

DATASET = Dataset(
    name="sugarcrepe-pp",
    title="SugarCrepe++",
    licence="CC BY 4.0 (annotations)",
    citation="Dumpala et al., SugarCrepe++, NeurIPS 2024 Datasets and Benchmarks; arXiv 2406.11171",
    homepage="https://github.com/Sri-Harsha/scpp",
    files=tuple(
        File(
            path,
            (Source(f"{RAW}/{path}", "a branch; the digest is of commit c083bbf"),),
            size,
            f"sha256:{digest}",
        )
        for path, (size, digest) in FILES.items()
    ),
    links=(Link("val2017/", "coco-val2017"),),
    tasks=("sugarcrepe-pp",),
)
