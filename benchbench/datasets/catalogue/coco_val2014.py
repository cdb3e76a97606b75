"""COCO's validation photographs of 2014 (Lin et al., ECCV 2014).

The size is the server's; the MD5 is the one that LAVIS and other projects note beside the address.
"""

from benchbench.datasets.manifest import Dataset, File, Folder, Source

DATASET = Dataset(
    name="coco-val2014",
    title="COCO val2014 (photographs)",
    licence="the photographs' own licences apply (Flickr)",
    citation="Lin et al., Microsoft COCO, ECCV 2014; arXiv 1405.0312",
    homepage="https://cocodataset.org",
    folders=(
        Folder(
            "val2014/",
            archives=(
                File(
                    "val2014.zip",
                    (
                        Source(
                            "https://s3.amazonaws.com/images.cocodataset.org/zips/val2014.zip",
                            "the publisher's bucket by an address that has a valid certificate",
                        ),
                        Source(
                            "http://images.cocodataset.org/zips/val2014.zip",
                            "the publisher's own address; unencrypted, checked by digest",
                        ),
                    ),
                    6_645_013_297,
                    "md5:a3d79f5ed8d289b7a7554ce06a5782b3",
                ),
            ),
            images=40_504,
            at_most=40_504,
            unpacked=8_000_000_000,
            like="COCO_val2014_*.jpg",
        ),
    ),
    shared=True,
)
