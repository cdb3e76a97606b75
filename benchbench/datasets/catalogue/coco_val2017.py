"""COCO's validation photographs of 2017 (Lin et al., ECCV 2014).

The size and the SHA-256 are those that ParlAI's ``coco_caption`` build and several other projects
check; MD5 442b8da7639aecaf257c1dceb8ba8c80.
"""

from benchbench.datasets.manifest import Dataset, File, Folder, Source

DATASET = Dataset(
    name="coco-val2017",
    title="COCO val2017 (photographs)",
    licence="the photographs' own licences apply (Flickr)",
    citation="Lin et al., Microsoft COCO, ECCV 2014; arXiv 1405.0312",
    homepage="https://cocodataset.org",
    folders=(
        Folder(
            "val2017/",
            archives=(
                File(
                    "val2017.zip",
                    (
                        Source(
                            "https://s3.amazonaws.com/images.cocodataset.org/zips/val2017.zip",
                            "the publisher's bucket by an address that has a valid certificate",
                        ),
                        Source(
                            "http://images.cocodataset.org/zips/val2017.zip",
                            "the publisher's own address; unencrypted, checked by digest",
                        ),
                    ),
                    815_585_330,
                    "sha256:4f7e2ccb2866ec5041993c9cf2a952bbed69647b115d0f74da7ce8f4bef82f05",
                ),
            ),
            images=5_000,
            at_most=5_000,
            unpacked=1_000_000_000,
        ),
    ),
    shared=True,
)
