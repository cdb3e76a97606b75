"""Relation detection on Visual Genome's 150 objects and 50 predicates (Xu et al., CVPR 2017)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from benchbench.data.official import VG150_GRAPHS, VG150_IMAGES, VG150_NAMES
from benchbench.data.vg150 import read_scenes, stream_scenes
from benchbench.errors import UsageError
from benchbench.types import Arrays, Content, DataFile, GivenPart, Judgement, Metric, TaskInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from benchbench.types import Scene

NAME = "vg-relation-detection"
XU = "Xu et al., CVPR 2017; graph-constrained as in Lu et al., ECCV 2016"
FREE = "Newell and Deng, NeurIPS 2017; Zellers et al., CVPR 2018: no graph constraint"
UPSTREAM = "as KaihuaTang/Scene-Graph-Benchmark.pytorch prints it"
MEAN = "Chen et al., CVPR 2019; Tang et al., CVPR 2019: predicates without a relation count 0"
ZERO_SHOT = "Lu et al., ECCV 2016; Tang et al., CVPR 2020: images with such a relation"
ACCURACY = "Zhang et al., CVPR 2019, so called by KaihuaTang/Scene-Graph-Benchmark.pytorch"
STANFORD = "svl.stanford.edu/projects/scene-graph/dataset"

SHOWN: dict[int, tuple[str, ...]] = {10: ("drawn",), 20: (), 50: (), 100: ("photographs",)}
"""The kinds of editions for which each K is printed, if not for all: the few pairs of a drawn scene
leave nothing to rank at 100."""


def _recalls() -> Iterator[Metric]:
    """Yield R@K, mR@K and zR@K, and the same with any number of predicates per pair."""
    for k, kinds in SHOWN.items():
        recall = Metric(f"R@{k}", "images", judgement="recall", k=k, kinds=kinds, source=XU)
        free: Judgement = "unconstrained recall"
        mean = replace(recall, name=f"mR@{k}", meaning="predicates", by="predicate", source=MEAN)
        unseen = replace(
            recall,
            name=f"zR@{k}",
            meaning="images, unseen triples alone",
            only=(("triple", "unseen"),),
            source=ZERO_SHOT,
        )
        yield recall
        yield mean
        yield replace(recall, name=f"ngR@{k}", judgement=free, source=FREE)
        yield unseen
        for each in (mean, unseen):
            source = f"the same without graph constraint, {UPSTREAM}"
            yield replace(each, name=f"ng-{each.name}", judgement=free, source=source)


def _accuracies() -> Iterator[Metric]:
    """Yield the metrics of how often a pair's own predicate is among its best K."""
    for k in (1, 5):
        macro = Metric(f"macro@{k}", "predicates", by="predicate", judgement="predicate", k=k)
        yield macro
        yield replace(macro, name=f"micro@{k}", meaning="relations", by=None)
        yield replace(
            macro,
            name=f"unseen@{k}",
            meaning="relations of unseen triples",
            by=None,
            only=(("triple", "unseen"),),
        )


def _among_true_pairs() -> Iterator[Metric]:
    """Yield A@K: the share of relations among the best K triples of truly related pairs."""
    for k, kinds in SHOWN.items():
        yield Metric(
            f"A@{k}",
            "relations",
            judgement="accuracy",
            k=k,
            kinds=kinds,
            source=ACCURACY,
        )


OFFICIAL: Mapping[str, Sequence[Arrays | Content]] = {
    **dict.fromkeys(("VG-SGG.h5", "VG-SGG-with-attri.h5"), (VG150_GRAPHS,)),
    **dict.fromkeys(("VG-SGG-dicts.json", "VG-SGG-dicts-with-attri.json"), (VG150_NAMES,)),
    "image_data.json": VG150_IMAGES,
}
"""What the published files hold (danfei/scene-graph-TF-release; the names' first, tenth and last
as in KaihuaTang/Scene-Graph-Benchmark.pytorch@6f75881a)."""

CARD = TaskInfo(
    name=NAME,
    title="VG relation detection, PredCls",
    version=1,
    protocol="relations",
    headline="mR@50",
    headlines={"drawn": "mR@20"},
    metrics=(*_recalls(), *_among_true_pairs()),
    files=(
        DataFile(
            path="VG-SGG.h5",
            what="scene graphs of 108,073 images (or VG-SGG-with-attri.h5)",
            source=f"{STANFORD}/VG-SGG.h5",
            instead=("VG-SGG-with-attri.h5",),
        ),
        DataFile(
            path="VG-SGG-dicts.json",
            what="names of 150 objects and 50 predicates (or VG-SGG-dicts-with-attri.json)",
            source=f"{STANFORD}/VG-SGG-dicts.json",
            instead=("VG-SGG-dicts-with-attri.json",),
        ),
        DataFile(
            path="image_data.json",
            what="ids and sizes of 108,077 or 108,073 images, and perhaps their file_name",
            source="Visual Genome 1.2, image_data.json.zip",
        ),
        DataFile(
            path="VG_100K/",
            what="108,073 photographs, <image_id>.jpg, in one folder (or images/)",
            source="visualgenome.org, images.zip and images2.zip",
            instead=("images/",),
        ),
    ),
    paper=(
        "Xu, Zhu, Choy and Fei-Fei, 'Scene Graph Generation by Iterative Message Passing', CVPR "
        "2017; split: Zellers, Yatskar, Thomson and Choi, 'Neural Motifs', CVPR 2018; mR@K: Chen, "
        "Yu, Chen and Lin, CVPR 2019, and Tang, Zhang, Wu, Luo and Liu, CVPR 2019; zR@K: Tang, "
        "Niu, Huang, Shi and Zhang, 'Unbiased Scene Graph Generation from Biased Training', CVPR "
        "2020"
    ),
    content={"official": OFFICIAL},
    license="CC BY 4.0 (Visual Genome's annotations; photographs' own licences apply)",
    measures=(
        "Whether a model ranks the relations that hold in an image above the others, boxes and "
        "labels given: every ordered pair of boxes is scored with every predicate. Few of the "
        "relations that hold are annotated, so that precision says nothing and recall is read. "
        "R@K is mostly about a few frequent predicates; mR@K counts all alike; zR@K counts "
        "triples that training does not have. Read it beside blind:frequency, which has the "
        "labels and no image."
    ),
    tags=("predicate", "triple"),
    size="108,073 images, with training",
    quirks=(
        "Published numbers (Motifs: R@50 65.2, mR@50 14.8, zR@50 3.2) are of heads trained on "
        "the training split; a dual encoder here has seen none of it.",
        "A constrained R@100 above 75 means that the graph constraint is missing, and R@50 equal "
        "to R@100 that only true pairs were ranked. One predicate an ordered pair leaves further "
        "relations of the same pair out of reach: the scorecard prints that ceiling.",
        "mR@K counts a predicate without a relation among these images as 0, as published; macro@K "
        "of the .predicate mode leaves it out.",
        "A@K ranks the truly related pairs alone: where they are no more than K, it says nothing "
        "of ranking.",
        "A scene of n boxes has n(n-1) pairs: where they are fewer than K, nothing is ranked.",
        "Repeated relations of the test split are kept, as upstream; a relation of a box with "
        "itself is in no pair, and always missed.",
        "Unseen triples are those that the same file's training split lacks; "
        "zeroshot_triplet.json is not read.",
        "Boxes overlap by half where intersection over union is at least 0.5, each length a pixel "
        "longer than its edges are apart, as in KaihuaTang/Scene-Graph-Benchmark.pytorch. Models "
        "are shown boxes rounded to whole pixels of the photograph and clipped to it; overlaps are "
        "measured on the file's own numbers.",
    ),
)


@dataclass(frozen=True)
class RelationDetection:
    """Images with boxes and relations; the mode is the part of them that a model gets."""

    info: TaskInfo
    given: GivenPart

    def items(self, root: Path) -> list[Scene]:
        """Return the images of the test split that have a box and a relation."""
        return read_scenes(root, given=self.given)

    def stream(self, root: Path) -> Iterator[Scene]:
        """Yield the same images one by one."""
        return stream_scenes(root, given=self.given)

    def training(self, root: Path) -> list[Scene]:
        """Return the images of the training split."""
        return read_scenes(root, "training", self.given)


@dataclass(frozen=True)
class ProposedDetection(RelationDetection):
    """The mode whose boxes, labels and scores come from a detector's file."""

    proposals: Path | None = None

    def stream(self, root: Path) -> Iterator[Scene]:
        """Yield the items of ``items``, all of which are read first."""
        return iter(self.items(root))

    def items(self, root: Path) -> list[Scene]:
        """Return the images of the test split, each with the detector's proposals.

        Raises:
            UsageError: no proposals were given.
        """
        if self.proposals is None:
            raise UsageError(
                f"{self.info.name} needs a detector's boxes: pass --proposals FILE. "
                "Its format: docs/proposals.md"
            )
        return read_scenes(root, given=self.given, proposals=self.proposals)

    def training(self, root: Path) -> list[Scene]:
        """Return the images of the training split, with their true boxes and labels."""
        return read_scenes(root, "training")

    def with_proposals(self, path: Path) -> ProposedDetection:
        """Return the same task on a detector's file."""
        return replace(self, proposals=path)


SGCLS = replace(
    CARD,
    name=f"{NAME}.sgcls",
    title="VG relation detection, SGCls",
    measures=(
        "Whether a model names the boxes and ranks the relations between them: boxes are given, "
        "labels are not, and a relation is found only where both labels are right."
    ),
)
SGDET = replace(
    CARD,
    name=f"{NAME}.sgdet",
    title="VG relation detection, SGDet",
    version=2,
    metrics=tuple(_recalls()),
    measures=(
        "Whether relations are found where nothing is given but a detector's boxes, labels and "
        "scores (--proposals FILE; its format: docs/proposals.md). A relation is found where both "
        "labels are right and both boxes overlap the true ones by half (IoU). It measures the "
        "detector as much as the model: compare runs on one file, whose digest the run keeps."
    ),
)
PREDICATE = replace(
    CARD,
    name=f"{NAME}.predicate",
    title="VG relation detection, true pairs given",
    headline="macro@1",
    headlines={},
    metrics=(*_accuracies(), *_among_true_pairs()),
    measures=(
        "Which predicate holds between two boxes that are known to be related. macro@1 scores each "
        "pair alone, and counts all predicates alike; A@K ranks the best triples of an image's "
        "true pairs together: where they are no more than K it is micro@1."
    ),
    quirks=(
        "macro@K is over the predicates that some relation of these images has; mR@K of the other "
        "modes counts the absent ones as 0, as published.",
        *CARD.quirks[-3:],
    ),
)


class VGRelationDetection(RelationDetection):
    """PredCls, with the other modes as its variants."""

    @property
    def variants(self) -> Mapping[str, RelationDetection]:
        """Return mode → its task."""
        return {
            "predicate": RelationDetection(PREDICATE, "pairs"),
            "sgcls": RelationDetection(SGCLS, "boxes"),
            "sgdet": ProposedDetection(SGDET, "proposals"),
        }


TASK = VGRelationDetection(CARD, "labels")
