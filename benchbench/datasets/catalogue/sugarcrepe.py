"""SugarCrepe, the release of 2023-11-18, with COCO's photographs (Hsieh et al., NeurIPS 2023)."""

from benchbench.datasets.manifest import Dataset, File, Link, Source

RAW = "https://raw.githubusercontent.com/RAIVNLab/sugar-crepe"
COMMIT = "0047054b243992f0fad63d6f64f7544862daf846"
EARLIER = {
    "swap_obj.json": ("sha256:15624c2460f5c10e8720fca0f1c27ddd61998b3b8b10998ff007cd84ea8fd31a",)
}
"""The digest of the file in the release of 2023-06-23, whose other files are the same."""
FILES = {
    "add_att.json": (158_863, "012d88d729693d193760e6f3393b06a1cf874380a9db0062e937201199fe044d"),
    "add_obj.json": (484_593, "1b9d76b93139a937b8dc1ada92a4f05ecc821bb3c291d752428bafadd4bb0682"),
    "replace_att.json": (
        176_843,
        "9fe55fd4c0a9ad1f85d486d9f6d0215b41f867eb025026e7f7b5ce44352545ee",
    ),
    "replace_obj.json": (
        361_126,
        "9d299600639947e9d15281a9ded1382b376cf4ea088a8d08a1314bfe76e81898",
    ),
    "replace_rel.json": (
        312_629,
        "356bcc2fc4c6aed3f4d9fd50acc58489bb1fe70c28791f9368d4cbf9ea39cdc9",
    ),
    "swap_att.json": (154_665, "7a7ce04e5c4c80412b48c6f0c1347fb1a2f5d54c0be6aa429b64d390e442f8d0"),
    "swap_obj.json": (57_569, "073cdb8e253d053614e80710834d9773b09dbc1dd0a412f6f9492262caa1dcad"),
}
"""File → bytes and SHA-256."""

DATASET = Dataset(
    name="sugarcrepe",
    title="SugarCrepe",
    licence="MIT (annotations)",
    citation="Hsieh et al., SugarCrepe, NeurIPS 2023 Datasets and Benchmarks; arXiv 2306.14610",
    homepage="https://github.com/RAIVNLab/sugar-crepe",
    files=tuple(
        File(
            path,
            (Source(f"{RAW}/{COMMIT}/data/{path}", "a fixed commit"),),
            size,
            f"sha256:{digest}",
            earlier=EARLIER.get(path, ()),
        )
        for path, (size, digest) in FILES.items()
    ),
    links=(Link("val2017/", "coco-val2017"),),
    tasks=("sugarcrepe",),
)
