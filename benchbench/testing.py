"""The plugin contract, executable: run these over your own task or model.

Each check looks at everything it can and raises one ContractError that lists all that is wrong::

    def test_contract():
        check_task(load_task("my-task"), DATA_ROOT)
        check_model(load_model("my-model"))
"""

from __future__ import annotations

import re
import traceback
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from benchbench.errors import ContractError
from benchbench.protocols import load_protocol
from benchbench.types import DualEncoder, ModelManifest, Question, Task, TaskInfo, lacks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import numpy.typing as npt
    from PIL.Image import Image
    from torch import Tensor

    Floats = npt.NDArray[np.float64]

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
"""By how much vectors may differ between batches: at unit length where similarity is cosine, else
as parts of the largest value."""


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


class Check(NamedTuple):
    """What became of one check of a model."""

    name: str
    problems: tuple[str, ...] = ()
    because: str = ""
    """Why it was not tried: the check that failed before it."""


def check_model(model: object) -> None:
    """Hold a dual encoder to the contract on small random pictures and a few captions.

    Raises:
        ContractError: listing all that is wrong.
    """
    problems = [problem for check in model_checks(model) for problem in check.problems]
    manifest = getattr(model, "manifest", None)
    named = manifest.name if isinstance(manifest, ModelManifest) else repr(model)
    _raise(f"model '{named}'", problems)


def model_checks(model: object) -> list[Check]:
    """Each check of ``DUAL_ENCODER`` by name, with what it found.

    A check that needs what an earlier one found wanting is not tried, and says so.
    """
    import torch

    found: dict[str, Check] = {}
    trial = _Trial(model)
    for name, (run, needs) in DUAL_ENCODER.items():
        wanting = [need for need in needs if found[need].problems or found[need].because]
        if wanting:
            found[name] = Check(name, because=wanting[0])
            continue
        with torch.inference_mode():
            found[name] = Check(name, tuple(_tried(run, trial)))
    return list(found.values())


def _tried(run: Callable[[_Trial], Iterator[str]], trial: _Trial) -> list[str]:
    """The problems that a check finds; breaking is one."""
    problems = []
    try:
        for problem in run(trial):
            problems.append(problem)
    except Exception as error:  # noqa: BLE001 - whatever a model of somebody's raises
        where = traceback.extract_tb(error.__traceback__)[-1]
        at = f"{Path(where.filename).name}, line {where.lineno}"
        problems.append(f"it raises {type(error).__name__}: {error} ({at})")
    return problems


class _Trial:
    """A model on trial: what it was shown, and what it made of it, once for all checks."""

    def __init__(self, model: Any) -> None:
        self.model = model

    @cached_property
    def pictures(self) -> list[Image]:
        from PIL import Image

        rng = np.random.default_rng(0)
        shapes = [(height, width, 3) for width, height in SIZES]
        return [Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)) for shape in shapes]

    @cached_property
    def tensors(self) -> list[Tensor]:
        """The pictures, transformed."""
        return [self.model.transform(picture) for picture in self.pictures]

    @cached_property
    def encoded(self) -> dict[str, _Encoded]:
        """By the method that did it."""
        import torch

        def images(tensors: Sequence[Tensor]) -> Any:
            return self.model.encode_images(torch.stack(list(tensors)), "scene")

        def texts(captions: Sequence[str]) -> Any:
            return self.model.encode_texts(self.model.tokenize(captions), "scene")

        return {
            "encode_images": _Encoded.by(images, self.tensors),
            "encode_texts": _Encoded.by(texts, CAPTIONS),
        }


@dataclass(frozen=True)
class _Encoded:
    """What one side made of its inputs."""

    together: Tensor
    again: Tensor
    alone: list[Tensor]

    @classmethod
    def by(cls, encode: Callable[[Sequence[Any]], Any], inputs: Sequence[Any]) -> _Encoded:
        return cls(encode(inputs), encode(inputs), [encode([each]) for each in inputs])


def _protocol_problems(trial: _Trial) -> Iterator[str]:
    if lacking := lacks(trial.model, DualEncoder):
        yield f"it is no dual encoder: it lacks {', '.join(lacking)}"
    elif not isinstance(trial.model.manifest, ModelManifest):
        yield f"manifest is {trial.model.manifest!r}, no ModelManifest"


def _manifest_problems(trial: _Trial) -> Iterator[str]:
    model = trial.model
    if model.similarity not in ("cosine", "dot"):
        yield f"similarity is '{model.similarity}', neither 'cosine' nor 'dot'"
    if model.similarity != model.manifest.similarity:
        yield f"similarity is '{model.similarity}', the manifest says otherwise"
    if not np.isfinite(model.logit_scale) or model.logit_scale <= 0:
        yield f"logit_scale is {model.logit_scale}; it should be finite and positive"
    try:
        _ = model.manifest.fingerprint
    except (TypeError, ValueError) as error:
        yield f"the manifest holds what JSON cannot: {error}"
    if model.manifest.context_length < 1:
        yield f"context_length is {model.manifest.context_length}"


def _transform_problems(trial: _Trial) -> Iterator[str]:
    shapes = {tuple(tensor.shape) for tensor in trial.tensors}
    if len(shapes) > 1 or len(next(iter(shapes))) != 3:
        yield f"transform gives shapes {sorted(shapes)}; expected one [3, height, width]"
    elif not bool((trial.model.transform(trial.pictures[0]) == trial.tensors[0]).all()):
        yield "transform gives another tensor the second time"


def _shape_problems(trial: _Trial) -> Iterator[str]:
    sides = trial.encoded.items()
    for name, each in sides:
        n, shape = len(each.alone), tuple(each.together.shape)
        if len(shape) != 2 or shape[0] != n:
            yield f"{name} gives shape {shape} for {n} inputs; expected [{n}, dim]"
    dims = {name: each.together.shape[-1] for name, each in sides}
    if len(set(dims.values())) > 1:
        yield f"dimensions differ: {', '.join(f'{name} {dim}' for name, dim in dims.items())}"


def _finite_problems(trial: _Trial) -> Iterator[str]:
    for name, each in trial.encoded.items():
        if not bool(each.together.float().isfinite().all()):
            yield f"{name} gives values that are not finite"


def _determinism_problems(trial: _Trial) -> Iterator[str]:
    for name, each in trial.encoded.items():
        if not bool((each.together == each.again).all()):
            yield f"{name} gives other values the second time (dropout? eval mode?)"


def _batch_problems(trial: _Trial) -> Iterator[str]:
    allowed = TOLERANCE.get(trial.model.manifest.dtype, TOLERANCE["fp32"])
    scale = _unit if trial.model.similarity == "cosine" else _of_largest
    for name, each in trial.encoded.items():
        alone = np.concatenate([_floats(row) for row in each.alone])
        apart = float(np.abs(np.subtract(*scale(_floats(each.together), alone))).max())
        if apart > allowed:
            yield f"{name} depends on what else is in the batch: vectors differ by {apart:.1e}"


def _token_problems(trial: _Trial) -> Iterator[str]:
    ids = trial.model.token_ids(CAPTIONS)
    if len(ids) != len(CAPTIONS) or not all(isinstance(i, int) for row in ids for i in row):
        yield "token_ids does not give a tuple of integers for each caption"
    elif ids[1] == ids[2]:
        yield "token_ids does not tell two captions of other word order apart"


def _limit_problems(trial: _Trial) -> Iterator[str]:
    model = trial.model
    long = " ".join(["dog"] * (2 * model.manifest.context_length))
    if len(model.token_ids([long])[0]) <= model.manifest.context_length:
        yield "token_ids truncates: captions beyond the context could not be counted"
    embedded = model.encode_texts(model.tokenize([long]), "scene")
    if not bool(embedded.isfinite().all()):
        yield "a caption beyond the context gives values that are not finite"


DUAL_ENCODER: Mapping[str, tuple[Callable[[_Trial], Iterator[str]], tuple[str, ...]]] = {
    "protocol": (_protocol_problems, ()),
    "manifest": (_manifest_problems, ("protocol",)),
    "transform": (_transform_problems, ("protocol",)),
    "shapes": (_shape_problems, ("transform",)),
    "finite values": (_finite_problems, ("shapes",)),
    "same twice": (_determinism_problems, ("shapes", "finite values")),
    "any batch size": (_batch_problems, ("shapes", "finite values")),
    "token ids": (_token_problems, ("protocol",)),
    "token limit": (_limit_problems, ("token ids",)),
}
"""Name → the check, and the checks that it needs to have passed."""


def _floats(vectors: Tensor) -> Floats:
    return np.asarray(vectors.float().cpu().numpy(), dtype=np.float64)


def _unit(*sides: Floats) -> list[Floats]:
    """Vectors of unit length."""
    return [v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-30) for v in sides]


def _of_largest(*sides: Floats) -> list[Floats]:
    """Vectors as parts of the largest value there is: unit length would hide what a dot sees."""
    largest = max(float(np.abs(v).max()) for v in sides)
    return [v / max(largest, 1e-30) for v in sides]


def _raise(what: str, problems: Sequence[str]) -> None:
    if problems:
        raise ContractError(f"The {what} breaks the contract:\n  - " + "\n  - ".join(problems))
