"""Visual Spatial Reasoning: captions, true or false, without images (Liu et al., TACL 2023)."""

from benchbench.datasets.manifest import Dataset, File, Source

RAW = (
    "https://raw.githubusercontent.com/cambridgeltl/visual-spatial-reasoning/"
    "b27a0af0ee1462d2b6b92c8c83e869d9254a241a/data/splits"
)

FILES = {
    "random/dev.jsonl": (
        338_049,
        "90de24b811597a913310d043758f1119a1ba9ebf1b1ca8f1e27c4907f01980d4",
    ),
    "random/test.jsonl": (
        674_712,
        "8ade82a0b93ac9dc1e53f6cf1f11e9d5536776a3715102b6b4d27d4f81d551cc",
    ),
    "zeroshot/dev.jsonl": (
        107_245,
        "0abda42fe9333ab6a8671b32886738b5cfa6d37a8c277b56d8368c339c8dffce",
    ),
    "zeroshot/test.jsonl": (
        380_380,
        "914d9156723b912d8f794b179248af865a68c5f81c9d8e3a21d007778cacaad4",
    ),
}
"""File → bytes and SHA-256."""

DATASET = Dataset(
    name="vsr",
    title="Visual Spatial Reasoning (annotations)",
    licence="Apache-2.0 (annotations)",
    citation="Liu, Emerson and Collier, Visual Spatial Reasoning, TACL 2023; arXiv 2205.00363",
    homepage="https://github.com/cambridgeltl/visual-spatial-reasoning",
    files=tuple(
        File(path, (Source(f"{RAW}/{path}", "a fixed commit"),), size, f"sha256:{digest}")
        for path, (size, digest) in FILES.items()
    ),
    how="Its images are of COCO train2017 and val2017 (the photographs' own licences apply); each "
    "record has the address of its own (image_link). Its data/README.md has all of them in one "
    "archive: https://www.dropbox.com/s/0s3bj25s62crjh2/vsr_images.zip?dl=0. Unpack it as "
    "ROOT/vsr/images (ROOT: benchbench data where).",
    tasks=("vsr",),
)
