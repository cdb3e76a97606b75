"""The plugin contract, executable: run these over your own task or model.

Each check looks at everything it can and raises one ContractError that lists all that is wrong::

    def test_contract():
        check_task(load_task("my-task"), DATA_ROOT)
        check_model(load_model("my-model"))
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from benchbench.errors import ContractError
from benchbench.protocols import load_protocol
from benchbench.types import DualEncoder, ModelManifest, PairScorer, Question, Task, TaskInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt
    from PIL.Image import Image
    from torch import Tensor

    from benchbench.types import Model

CAPTIONS = (
    "a dog",
    "the horse is to the left of the man",
    "the man is to the left of the horse",
    "the crouched cat and the white book",
    "A dirt path with a young person on a motor bike rests to the foreground of a verdant area.",
)
EDITIONS = {False: "photographs", True: "drawn"}
SIZES = ((64, 48), (48, 64), (200, 30), (224, 224), (1, 1))
"""Width and height of the pictures that models are tried on."""

TOLERANCE = {"fp32": 1e-4, "fp16": 2e-2, "bf16": 1e-1}
"""By how much unit vectors may differ between batches."""


def check_task(task: object, root: Path) -> None:
    """Hold a task to the contract on the files under ``root``.

    Raises:
        ContractError: listing all that is wrong.
        DataError: the files are missing or malformed, as the task itself says.
    """
    if not isinstance(task, Task):
        raise ContractError(f"{task!r} has no 'info' and 'items': it is no task.")
    problems = list(_info_problems(task.info))
    items = list(task.items(root))
    problems += _item_problems(task.info, items)
    if list(task.items(root)) != items:
        problems.append("items() gives other items the second time")
    _raise(f"task '{task.info.name}'", problems)


def _info_problems(info: TaskInfo) -> Iterator[str]:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+)?", info.name):
        yield f"the name '{info.name}' is not in lower case with hyphens (a variant after a dot)"
    names = [metric.name for metric in info.metrics]
    for headline, drawn in ((info.headline, False), (info.headline_drawn or info.headline, True)):
        shown = [m.name for m in info.metrics if m.editions in ("all", EDITIONS[drawn])]
        if headline not in shown:
            yield f"the headline '{headline}' is not among the metrics {shown} ({EDITIONS[drawn]})"
    known = load_protocol(info.protocol).judgements
    for metric in info.metrics:
        if metric.judgement not in known:
            yield (
                f"metric '{metric.name}' judges by '{metric.judgement}', which the protocol "
                f"{info.protocol} does not: it has {', '.join(sorted(known))}"
            )
        if metric.statistic == "median" and metric.by:
            yield f"metric '{metric.name}' is a median over groups, which nothing computes"
    if len(set(names)) < len(names):
        yield f"metric names repeat: {names}"
    for file in info.files:
        if file.path.startswith("/") or ".." in file.path.split("/"):
            yield f"the file '{file.path}' is not inside the data root"
    annotations = {file.path for file in info.files if not file.path.endswith("/")}
    if info.official and set(info.official) != annotations:
        yield f"official digests are of {sorted(info.official)}, files are {sorted(annotations)}"
    for path, digest in info.official.items():
        if not re.fullmatch(r"[0-9a-f]{64}", digest):
            yield f"the official digest of '{path}' is no SHA-256 in lower-case hex"


def _item_problems(info: TaskInfo, items: Sequence[Question]) -> list[str]:
    if not items:
        return ["there are no items"]
    problems = []
    ids = [item.id for item in items]
    if len(set(ids)) < len(ids):
        problems.append("item ids repeat")
    protocol = load_protocol(info.protocol)
    tags = {metric.by for metric in info.metrics if metric.by} | set(info.tags)
    tags |= {tag for metric in info.metrics for tag, _ in metric.only}
    tags -= protocol.event_tags
    for tag in info.optional_tags:
        having = sum(tag in item.tags for item in items)
        if 0 < having < len(items):
            problems.append(f"{having} of {len(items)} items have the tag '{tag}': all, or none")
    for item in items:
        found = [f"item {item.id}: {p}" for p in _one_item_problems(item, tags)]
        found += [f"item {item.id}: {p}" for p in protocol.problems(item)]
        problems += found
        if len(problems) > 20:
            return [*problems, "(and perhaps more)"]
    return problems


def _one_item_problems(item: Question, tags: set[str]) -> Iterator[str]:
    if not item.cluster:
        yield "has no cluster: name its source image"
    if missing := tags - set(item.tags):
        yield f"lacks the tags {sorted(missing)} that the task declares or groups by"
    for ref in item.images:
        if ref.box and (ref.box[2] <= ref.box[0] or ref.box[3] <= ref.box[1]):
            yield f"has the empty crop {ref.box}"


def check_model(model: object) -> None:
    """Hold a model to the contract on small random pictures and a few captions.

    Shapes, finite values, one dimension on both sides, the same embedding (or score) whatever else
    is in the batch, the same twice, untruncated token ids, captions beyond the context.

    Raises:
        ContractError: listing all that is wrong.
    """
    import torch

    if not isinstance(model, DualEncoder | PairScorer):
        kind, protocol = ("pair scorer", PairScorer) if hasattr(model, "score") else DUAL
        lacking = sorted(n for n in _members(protocol) if not hasattr(model, n))
        raise ContractError(f"{model!r} is no {kind}: it lacks {', '.join(lacking)}.")
    if not isinstance(model.manifest, ModelManifest):
        raise ContractError(f"manifest is {model.manifest!r}, no ModelManifest.")
    with torch.inference_mode():
        if isinstance(model, PairScorer):
            problems = [*_manifest_problems(model), *_pair_problems(model)]
        else:
            problems = [
                *_manifest_problems(model),
                *_comparison_problems(model),
                *_picture_problems(model),
                *_caption_problems(model),
            ]
    _raise(f"model '{model.manifest.name}'", problems)


DUAL: tuple[str, type] = ("dual encoder", DualEncoder)


def _members(protocol: type) -> set[str]:
    return {name for name in vars(protocol) if not name.startswith("_")}


def _comparison_problems(model: DualEncoder) -> Iterator[str]:
    if model.similarity not in ("cosine", "dot"):
        yield f"similarity is '{model.similarity}', neither 'cosine' nor 'dot'"
    if model.similarity != model.manifest.similarity:
        yield f"similarity is '{model.similarity}', the manifest says otherwise"
    if not np.isfinite(model.logit_scale) or model.logit_scale <= 0:
        yield f"logit_scale is {model.logit_scale}; it should be finite and positive"


def _manifest_problems(model: Model) -> Iterator[str]:
    try:
        _ = model.manifest.fingerprint
    except (TypeError, ValueError) as error:
        yield f"the manifest holds what JSON cannot: {error}"
    if model.manifest.context_length < 1:
        yield f"context_length is {model.manifest.context_length}"


def _pictures() -> list[Image]:
    from PIL import Image

    rng = np.random.default_rng(0)
    return [
        Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))
        for width, height in SIZES
    ]


def _picture_problems(model: DualEncoder) -> Iterator[str]:
    import torch

    pictures = _pictures()
    tensors = [model.transform(picture) for picture in pictures]
    shapes = {tuple(tensor.shape) for tensor in tensors}
    if len(shapes) > 1 or len(next(iter(shapes))) != 3:
        yield f"transform gives shapes {sorted(shapes)}; expected one [3, height, width]"
        return
    if not torch.equal(model.transform(pictures[0]), tensors[0]):
        yield "transform gives another tensor the second time"
    together = model.encode_images(torch.stack(tensors), "scene")
    alone = [model.encode_images(tensor[None], "scene") for tensor in tensors]
    again = model.encode_images(torch.stack(tensors), "scene")
    yield from _encoding_problems("encode_images", model, together, alone, again)


def _caption_problems(model: DualEncoder) -> Iterator[str]:
    yield from _token_problems(model)
    together = model.encode_texts(model.tokenize(CAPTIONS), "scene")
    alone = [model.encode_texts(model.tokenize([text]), "scene") for text in CAPTIONS]
    again = model.encode_texts(model.tokenize(CAPTIONS), "scene")
    yield from _encoding_problems("encode_texts", model, together, alone, again)
    embedded = model.encode_texts(model.tokenize([_too_long(model)]), "scene")
    if not bool(embedded.isfinite().all()):
        yield "a caption beyond the context gives values that are not finite"


def _too_long(model: Model) -> str:
    return " ".join(["dog"] * (2 * model.manifest.context_length))


def _token_problems(model: Model) -> Iterator[str]:
    ids = model.token_ids(CAPTIONS)
    if len(ids) != len(CAPTIONS) or not all(isinstance(i, int) for row in ids for i in row):
        yield "token_ids does not give a tuple of integers for each caption"
        return
    if ids[1] == ids[2]:
        yield "token_ids does not tell two captions of other word order apart"
    if len(model.token_ids([_too_long(model)])[0]) <= model.manifest.context_length:
        yield "token_ids truncates: captions beyond the context could not be counted"


def _pair_problems(model: PairScorer) -> Iterator[str]:
    """Every picture with every caption: in one batch, one by one, and once more."""
    if model.manifest.similarity != "pairs":
        yield f"the manifest's similarity is '{model.manifest.similarity}', not 'pairs'"
    yield from _token_problems(model)
    shown = [model.transform(picture) for picture in _pictures()]
    features = model.encode_images(shown)
    if len(features) != len(shown):
        yield f"encode_images gives {len(features)} features of {len(shown)} pictures"
        return
    apart = [model.encode_images([each])[0] for each in shown]
    pairs = [(i, text) for text in CAPTIONS for i in range(len(shown))]
    together = model.score([features[i] for i, _ in pairs], model.tokenize([t for _, t in pairs]))
    again = model.score([features[i] for i, _ in pairs], model.tokenize([t for _, t in pairs]))
    alone = [model.score([apart[i]], model.tokenize([text])) for i, text in pairs]
    yield from _score_problems(model, together, alone, again)
    beyond = model.score([features[0]], model.tokenize([_too_long(model)]))
    if not bool(beyond.isfinite().all()):
        yield "a caption beyond the context gives a score that is not finite"


def _score_problems(
    model: PairScorer, together: Tensor, alone: Sequence[Tensor], again: Tensor
) -> Iterator[str]:
    n = len(alone)
    if tuple(together.shape) != (n,):
        yield f"score gives shape {tuple(together.shape)} for {n} pairs; expected [{n}]"
        return
    if not bool(together.isfinite().all()):
        yield "score gives values that are not finite"
        return
    if not bool((together == again).all()):
        yield "score gives other values the second time (dropout? eval mode?)"
    single = np.array([float(each[0]) for each in alone])
    apart = float(np.abs(together.float().cpu().numpy() - single).max())
    allowed = TOLERANCE.get(model.manifest.dtype, TOLERANCE["fp32"])
    if apart > allowed * max(1.0, float(np.abs(single).max())):
        yield f"score depends on what else is in the batch: by {apart:.1e}"


def _encoding_problems(
    name: str, model: DualEncoder, together: Tensor, alone: Sequence[Tensor], again: Tensor
) -> Iterator[str]:
    n = len(alone)
    if together.ndim != 2 or len(together) != n:
        yield f"{name} gives shape {tuple(together.shape)} for {n} inputs; expected [{n}, dim]"
        return
    if not bool(together.isfinite().all()):
        yield f"{name} gives values that are not finite"
        return
    if not bool((together == again).all()):
        yield f"{name} gives other values the second time (dropout? eval mode?)"
    single = np.concatenate([_unit(row) for row in alone])
    apart = float(np.abs(_unit(together) - single).max())
    if apart > TOLERANCE.get(model.manifest.dtype, TOLERANCE["fp32"]):
        yield f"{name} depends on what else is in the batch: unit vectors differ by {apart:.1e}"


def _unit(vectors: Tensor) -> npt.NDArray[np.float64]:
    values: Any = vectors.float().cpu().numpy().astype(np.float64)
    length = np.linalg.norm(values, axis=-1, keepdims=True)
    return np.asarray(values / np.maximum(length, 1e-30))


def _raise(what: str, problems: Sequence[str]) -> None:
    if problems:
        raise ContractError(f"The {what} breaks the contract:\n  - " + "\n  - ".join(problems))
