"""Many-to-many matches of COCO's test images and captions: ECCV Caption and CxC.

Files, as in naver-ai/eccv-caption, ``eccv_caption/data``: ``eccv_image_to_caption.json``,
``eccv_caption_to_image.json``, the same of ``cxc``, and ``original_image_to_caption.json`` (5,000
images, 25,000 captions). Each is an object of lists of ids. The captions are those of COCO's
``annotations/captions_val2014.json``.

ECCV Caption has true captions for 1,261 of the images and true images for 1,332 of the captions;
the others are candidates alone. Where an image and a caption both search, the two files agree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.data.records import read_id_lists, read_record
from benchbench.errors import MalformedData
from benchbench.types import DataFile, Entry, Gallery, ImageRef

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

FOLDER = "eccv_caption"
CAPTIONS = "annotations/captions_val2014.json"
GALLERY = "test"


ORIGINAL = f"{FOLDER}/original_image_to_caption.json"


def files_of(name: str) -> tuple[str, ...]:
    """Return the files of matches of a name, below a data root."""
    ends = (f"{name}_image_to_caption", f"{name}_caption_to_image")
    return (*(f"{FOLDER}/{end}.json" for end in ends), ORIGINAL)


def match_files(name: str, source: str) -> tuple[DataFile, ...]:
    """Return the files that ``read_matches`` reads, for a card.

    Args:
        name: ``eccv`` or ``cxc``.
        source: the repository of the matches.
    """
    where = f"{source}, eccv_caption/data/"
    return (
        *(DataFile(path, "ids of matches", where) for path in files_of(name)),
        DataFile(
            CAPTIONS,
            "COCO's captions with their ids",
            "images.cocodataset.org/annotations/annotations_trainval2014.zip",
        ),
        DataFile("val2014/", "COCO photographs", "images.cocodataset.org/zips/val2014.zip"),
    )


def read_matches(root: Path, name: str) -> list[Entry]:
    """Read an entry per image, with the captions that are true of it.

    Args:
        root: the data root.
        name: ``eccv`` or ``cxc``.

    Raises:
        MissingData: a file does not exist.
        MalformedData: a field is wrong, or an id is unknown.
    """
    paths = [root / path for path in files_of(name)]
    of_image, of_caption, original = map(read_id_lists, paths)
    _check_images(paths[0], original, {image: [image] for image in of_image})
    _check_images(paths[1], original, of_caption)
    texts = _texts(root / CAPTIONS, {*of_caption}.union(*original.values(), *of_image.values()))
    true = _true(original, of_image, of_caption)
    asks = _asking(original, of_caption)
    gallery = Gallery(GALLERY)
    return [
        _entry(
            root, image, gallery, true[image], own, asks.get(image, ()), image in of_image, texts
        )
        for image, own in original.items()
    ]


def _true(
    original: Mapping[int, tuple[int, ...]],
    of_image: Mapping[int, tuple[int, ...]],
    of_caption: Mapping[int, tuple[int, ...]],
) -> dict[int, list[int]]:
    """Return for each image the captions that are true of it, wherever one of the two searches."""
    true = {image: list(of_image.get(image, own)) for image, own in original.items()}
    for caption, images in of_caption.items():
        for image in images:
            if image not in of_image and image in true and caption not in true[image]:
                true[image].append(caption)
    return true


def _asking(
    original: Mapping[int, tuple[int, ...]], of_caption: Mapping[int, tuple[int, ...]]
) -> dict[int, list[int]]:
    """Return the captions that search on an image's behalf: their own where it is a true one."""
    own = {caption: image for image, captions in original.items() for caption in captions}
    asking: dict[int, list[int]] = {}
    for caption, images in of_caption.items():
        image = own[caption] if own.get(caption) in images else images[0]
        asking.setdefault(image, []).append(caption)
    return asking


def _entry(
    root: Path,
    image: int,
    gallery: Gallery,
    true: Iterable[int],
    own: Iterable[int],
    asks: Iterable[int],
    searches: bool,
    texts: Mapping[int, str],
) -> Entry:
    name = f"val2014/COCO_val2014_{image:012}.jpg"
    captions = tuple(dict.fromkeys(texts[caption] for caption in true))
    return Entry(
        id=str(image),
        image=ImageRef(root / name),
        captions=captions,
        cluster=name,
        gallery=gallery,
        searches=searches,
        asks=tuple(texts[caption] for caption in asks),
        false=tuple(texts[caption] for caption in own if texts[caption] not in captions),
        tags={"gallery": gallery.name},
    )


def _check_images(
    path: Path, original: Mapping[int, object], named: Mapping[int, Iterable[int]]
) -> None:
    """Check the images that each entry of a file names.

    Raises:
        MalformedData: one is none of the test images.
    """
    for entry, images in named.items():
        for image in images:
            if image not in original:
                raise MalformedData(
                    f"{path}, entry {entry}: image {image} is none of the {len(original):,} "
                    f"images of {ORIGINAL}."
                )


def _texts(path: Path, needed: set[int]) -> dict[int, str]:
    """Return the text of each caption that is needed.

    Raises:
        MalformedData: the file lacks one.
    """
    found = {}
    for record in read_record(path).records("annotations"):
        number = record.integer("id")
        if number in needed:
            found[number] = record.text("caption").strip()
    if lacking := sorted(needed - found.keys()):
        raise MalformedData(
            f"{path} lacks {len(lacking):,} captions that the matches name, as {lacking[0]}."
        )
    return found
