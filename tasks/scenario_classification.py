"""Scenario classification: action, object and relation by their names alone (ScenarioCLIP)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.data.records import source_image
from benchbench.data.scenarioclip import CLASSES, METADATA, class_of, read_classes, read_images
from benchbench.types import DataFile, Entry, Gallery, ImageRef, Metric, TaskInfo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchbench.data.scenarioclip import AnnotatedImage

UPSTREAM = "scenario-clip/ScenarioCLIP, models/scenario_clip_0.py, test_step"
CUTOFFS = (1, 5, 10)


def _top(name: str, meaning: str) -> list[Metric]:
    """Return the strict metrics of one gallery."""
    only = (("gallery", name),)
    return [Metric(f"{name}-top{k}", meaning, judgement="found", k=k, only=only) for k in CUTOFFS]


def _lenient(name: str, meaning: str) -> list[Metric]:
    """Return upstream's lenient metrics: any label of the same image is a hit."""
    only = (("gallery", name),)
    return [
        Metric(
            f"{name}-top{k}-lenient",
            meaning,
            judgement="found, lenient",
            k=k,
            only=only,
            source=f"A hit on any of the image's labels: {UPSTREAM}",
        )
        for k in CUTOFFS
    ]


class ScenarioClassification:
    """Classification of images, crops and focused regions, each among all names of its kind."""

    info = TaskInfo(
        name="scenario-classification",
        title="Scenario classification",
        version=1,
        protocol="retrieval",
        headline="top1",
        metrics=(
            Metric("top1", "levels", by="gallery", judgement="found"),
            *_top("action", "images"),
            *_top("object", "crops"),
            *_lenient("object", "crops"),
            *_top("relation", "regions"),
            *_lenient("relation", "regions"),
        ),
        files=(
            DataFile(
                path=METADATA,
                what="images with action, dense caption, objects and relations; and where it "
                "names them the images and focused regions",
                source="benchbench scenes export; the authors' own files as "
                "scenario-clip/ScenarioCLIP makes them (utils/combine.py)",
            ),
            DataFile(
                path=CLASSES,
                what="all actions, objects and relations; the authors' from OpenPSG: 364, 11,572 "
                "and 84,018",
                source="written beside it, by the same commands",
            ),
        ),
        paper="'ScenarioCLIP', arXiv 2511.20274",
        license="of the images that the files name",
        measures=(
            "Whether a model names the action of an image, the object in a crop and the relation "
            "in a focused region, zero-shot, each among all names of its kind. Names stand "
            "alone, without a prompt around them, as upstream."
        ),
        tags=("gallery",),
        size="no published files",
        quirks=(
            "Strict: a name of that very crop or region. Relations between the same two objects "
            "share a focused region (51 % of the drawn world's do, with another phrase), and each "
            "of their phrases is right: with one right phrase each, no score could exceed 74.5.",
            "Lenient, as upstream's code: any name among all objects (relations) of the same "
            "image, so that busy images are easy, and naming an object that the crop does not "
            "show is right. An action is one.",
            "Every annotated object and relation is scored once, as upstream: two dogs in a "
            "image are two crops. Means are over them, so that busy images weigh more.",
            "The crop of an object is cut out; upstream's code leaves it in place on black.",
            "On the drawn world 45 of 1,000 images fit a second action as well (watching, farming, "
            "side by side outdoors, traffic), which counts as wrong.",
            "Names are not exclusive: a 'man' may be a 'person' in another image's labels.",
            "A top K has no value where K is more than half of the names.",
        ),
    )

    def items(self, root: Path) -> list[Entry]:
        """Return the entries, image by image: its action, its objects, its relations."""
        classes = read_classes(root)
        levels = [
            Gallery("action", "scene", classes.actions),
            Gallery("object", "object", classes.objects),
            Gallery("relation", "relation", classes.relations),
        ]
        known = {gallery.name: frozenset(gallery.captions) for gallery in levels}
        return [
            entry
            for image in read_images(root)
            for gallery in levels
            for entry in _entries(image, root, gallery, known[gallery.name])
        ]


def _entries(
    image: AnnotatedImage, root: Path, gallery: Gallery, known: frozenset[str]
) -> Iterator[Entry]:
    """Yield an image's entries on one level; all names of one region are that region's own."""
    field = f"{gallery.name}s"
    shown = _shown(image, root)[gallery.name]
    names = [class_of(image.record, field, name, known) for _, name in shown]
    of_ref: dict[ImageRef, list[str]] = {}
    for (ref, _), name in zip(shown, names, strict=True):
        of_ref.setdefault(ref, []).append(name)
    for i, (ref, _) in enumerate(shown):
        own = tuple(dict.fromkeys((names[i], *of_ref[ref])))
        yield Entry(
            id=f"{image.id}/{gallery.name}/{i}",
            image=ref,
            captions=own,
            cluster=source_image(image.image),
            gallery=gallery,
            also=tuple(dict.fromkeys(name for name in names if name not in own)),
            tags={"gallery": gallery.name},
        )


def _shown(image: AnnotatedImage, root: Path) -> dict[str, list[tuple[ImageRef, str]]]:
    """Return for each level the images or crops of an image, and their names."""
    whole = root / image.image
    return {
        "action": [(ImageRef(whole), image.action)],
        "object": [(ImageRef(whole, box), name) for name, box in image.objects],
        "relation": [(ImageRef(root / region), phrase) for region, phrase in image.relations],
    }


TASK = ScenarioClassification()
