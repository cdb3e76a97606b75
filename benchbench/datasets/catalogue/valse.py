"""VALSE's captions and foils, without its images (Parcalabescu et al., ACL 2022)."""

from benchbench.datasets.manifest import Dataset, File, Source

RAW = "https://raw.githubusercontent.com/Heidelberg-NLP/VALSE/main/data"
FILES = {
    "actant-swap.json": (
        503_017,
        "915294ac3ade7c4c067b1c6841d0db93b60cb8a61ac8e2fb6b125c2a1c0ca93a",
    ),
    "action-replacement.json": (
        664_129,
        "336ba134f29a3475d0508809067218909a6bd30f079c59309d19244eccb7917f",
    ),
    "coreference-hard.json": (
        95_649,
        "ef54d8d971d9e0f264e07de08d9915c6e3d6129a2f239888f2b938f5c2eb4139",
    ),
    "coreference-standard.json": (
        592_329,
        "dae1d9eb018acb54e29a1c4983f3563f86ec3b6beb4037a261564270b0473e95",
    ),
    "counting-adversarial.json": (
        407_394,
        "0d23529308449c98b37a91048a865a5f377325eceb9accd73f2947bc512d12b0",
    ),
    "counting-hard.json": (
        537_197,
        "2cc83615653675fb50914ce2d8ab4041cce1278eed7ac0abf6f319dbce5c967a",
    ),
    "counting-small-quant.json": (
        534_996,
        "ca0645885b05738f6c6df2dffec70c669aaff64114017f33425821faab4bc374",
    ),
    "existence.json": (420_403, "b20fca52eba86c544083d423345a2e28e60e601ef61c56c9ac1c73a95a3a6d18"),
    "foil-it.json": (538_911, "6f6f0d7494271ed28f6e6f075c3ba36ba1bc45d00ecf7403920f060915130460"),
    "plurals.json": (1_097_122, "43760db7fc8c6f2a21d3536d52f81539cb101f3370e8d2effb09de43d91486a3"),
    "relations.json": (664_587, "061fc557459c318ccd6734d07c21cfa5bf5ae87aa6b1110b8f5ec3d6b2911043"),
}
"""File → bytes and SHA-256."""

DATASET = Dataset(
    name="valse",
    title="VALSE (annotations)",
    licence="MIT (annotations)",
    citation="Parcalabescu et al., VALSE, ACL 2022; arXiv 2112.07566",
    homepage="https://github.com/Heidelberg-NLP/VALSE",
    files=tuple(
        File(
            path,
            (Source(f"{RAW}/{path}", "a branch; the digest is of commit 2152d90"),),
            size,
            f"sha256:{digest}",
        )
        for path, (size, digest) in FILES.items()
    ),
    how="Its authors publish no images: each record names its own (image_file) and the data set "
    "that has it (dataset): Visual7W (3,290 records), SWiG (1,821), COCO 2017 (1,614), VisDial "
    "v1.0 (1,057), FOIL, which is COCO val2014 (1,000). Put them into ROOT/valse/images (ROOT: "
    "benchbench data where).",
    tasks=("valse",),
)
