"""Checks of the model contract, run on small images and captions: each lists its problems."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from benchbench.adapters.contract import comparison_problems, device_problems, manifest_problems
from benchbench.errors import ContractError
from benchbench.failures import describe_error
from benchbench.types import DualEncoder, Learner, ModelManifest, PairScorer, missing_members

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from PIL.Image import Image
    from torch import Tensor

    from benchbench.types.arrays import Floats


CAPTIONS = (
    "a dog",
    "the horse is to the left of the man",
    "the man is to the left of the horse",
    "the crouched cat and the white book",
    "A dirt path with a young person on a motor bike rests to the foreground of a verdant area.",
)
SIZES = ((64, 48), (48, 64), (200, 30), (224, 224), (1, 1))
"""Width and height in pixels of the test images."""

TOLERANCE = {"fp32": 1e-4, "fp16": 2e-2, "bf16": 1e-1}
"""The largest difference of vectors between batches: at unit length if similarity is cosine,
otherwise relative to the largest value."""


class Check(NamedTuple):
    """The result of one check of a model."""

    name: str
    problems: tuple[str, ...] = ()
    blocked_by: str = ""
    """Why it was skipped: the check that failed before it."""


def check_model(model: object) -> None:
    """Check a model against the contract on small random images and a few captions.

    Raises:
        ContractError: the model breaks it; the message lists all problems.
    """
    problems = [problem for check in model_checks(model) for problem in check.problems]
    manifest = getattr(model, "manifest", None)
    named = manifest.name if isinstance(manifest, ModelManifest) else repr(model)
    if problems:
        raise ContractError(f"The model '{named}' breaks the contract:", problems)


def model_checks(model: object) -> list[Check]:
    """Return the result of each check of ``DUAL_ENCODER``, or of ``PAIR_SCORER``, by name.

    A model that has ``score``, and no ``encode_texts``, is checked as a pair scorer. A check that
    depends on a failed one is skipped, and its result names that one.
    """
    import torch

    found: dict[str, Check] = {}
    trial = _Trial(model)
    is_scorer = hasattr(model, "score") and not hasattr(model, "encode_texts")
    checks = PAIR_SCORER if is_scorer else DUAL_ENCODER
    for name, (run, needs) in checks.items():
        wanting = [need for need in needs if found[need].problems or found[need].blocked_by]
        if wanting:
            found[name] = Check(name, blocked_by=wanting[0])
            continue
        with torch.inference_mode():
            found[name] = Check(name, tuple(_run_check(run, trial)))
    return list(found.values())


def _run_check(run: Callable[[_Trial], Iterator[str]], trial: _Trial) -> list[str]:
    """Return the problems that a check finds; an exception is one."""
    problems = []
    try:
        for problem in run(trial):
            problems.append(problem)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a plugin's model may raise anything
        problems.append(f"it raises {describe_error(error)}")
    return problems


class _Trial:
    """A model under test, with the test inputs and its outputs, computed once for all checks."""

    def __init__(self, model: Any) -> None:
        self.model = model

    @cached_property
    def images(self) -> list[Image]:
        from PIL import Image

        rng = np.random.default_rng(0)
        shapes = [(height, width, 3) for width, height in SIZES]
        return [Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)) for shape in shapes]

    @cached_property
    def tensors(self) -> list[Tensor]:
        """Return the test images, transformed."""
        return [self.model.transform(image) for image in self.images]

    @cached_property
    def too_long(self) -> str:
        """Return a caption beyond the model's context length."""
        return " ".join(["dog"] * (2 * self.model.manifest.context_length))

    @cached_property
    def encoded(self) -> dict[str, _Repeats]:
        """Return the outputs of each encoding method, by its name."""
        import torch

        def images(tensors: Sequence[Tensor]) -> Any:
            return self.model.encode_images(torch.stack(list(tensors)), "scene")

        def texts(captions: Sequence[str]) -> Any:
            return self.model.encode_texts(self.model.tokenize(captions), "scene")

        return {
            "encode_images": _Repeats.of(images, self.tensors),
            "encode_texts": _Repeats.of(texts, CAPTIONS),
        }

    @cached_property
    def features(self) -> Sequence[Any]:
        """Return a pair scorer's features of the test images."""
        features: Sequence[Any] = self.model.encode_images(self.tensors)
        return features

    @cached_property
    def scored(self) -> _Repeats:
        """Return a pair scorer's scores of every image with every caption."""
        apart = [self.model.encode_images([each])[0] for each in self.tensors]

        def scores(pairs: Sequence[tuple[Any, str]]) -> Any:
            captions = self.model.tokenize([text for _, text in pairs])
            return self.model.score([each for each, _ in pairs], captions)

        together = [(each, text) for text in CAPTIONS for each in self.features]
        alone = [(each, text) for text in CAPTIONS for each in apart]
        return _Repeats(scores(together), scores(together), [scores([pair]) for pair in alone])


@dataclass(frozen=True)
class _Repeats:
    """A method's outputs: of one batch, of the same batch again, and of single inputs."""

    together: Tensor
    again: Tensor
    alone: list[Tensor]

    @classmethod
    def of(cls, encode: Callable[[Sequence[Any]], Any], inputs: Sequence[Any]) -> _Repeats:
        return cls(encode(inputs), encode(inputs), [encode([each]) for each in inputs])


def _protocol_problems(trial: _Trial) -> Iterator[str]:
    if lacking := missing_members(trial.model, DualEncoder):
        yield f"it is not a dual encoder: it lacks {', '.join(lacking)}"
    elif not isinstance(trial.model.manifest, ModelManifest):
        yield f"manifest is {trial.model.manifest!r}, which is not a ModelManifest"


def _comparison_problems(trial: _Trial) -> Iterator[str]:
    yield from comparison_problems(trial.model)
    yield from device_problems(trial.model)


def _manifest_problems(trial: _Trial) -> Iterator[str]:
    yield from manifest_problems(trial.model.manifest)


def _transform_problems(trial: _Trial) -> Iterator[str]:
    shapes = {tuple(tensor.shape) for tensor in trial.tensors}
    if len(shapes) > 1 or len(next(iter(shapes))) != 3:
        yield f"transform gives shapes {sorted(shapes)}; expected one [3, height, width]"
    elif not bool((trial.model.transform(trial.images[0]) == trial.tensors[0]).all()):
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
    is_final = not isinstance(trial.model, Learner)  # an unfitted baseline may give zero vectors
    for name, each in trial.encoded.items():
        if not bool(each.together.float().isfinite().all()):
            yield f"{name} gives values that are not finite"
        elif is_final and not bool((each.together != 0).any(dim=1).all()):
            yield f"{name} gives zero vectors: every similarity with them is 0"


def _determinism_problems(trial: _Trial) -> Iterator[str]:
    for name, each in trial.encoded.items():
        if not bool((each.together == each.again).all()):
            yield f"{name} gives other values the second time (dropout? eval mode?)"


def _batch_problems(trial: _Trial) -> Iterator[str]:
    allowed = TOLERANCE.get(trial.model.manifest.dtype, TOLERANCE["fp32"])
    scale = _unit_length if trial.model.similarity == "cosine" else _scale_by_largest
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
        yield "token_ids gives equal ids to two captions of different word order"


def _limit_problems(trial: _Trial) -> Iterator[str]:
    model, long = trial.model, trial.too_long
    yield from _truncation_problems(trial)
    embedded = model.encode_texts(model.tokenize([long]), "scene")
    if not bool(embedded.isfinite().all()):
        yield "a caption beyond the context gives values that are not finite"


def _truncation_problems(trial: _Trial) -> Iterator[str]:
    ids = trial.model.token_ids([trial.too_long])[0]
    if len(ids) <= trial.model.manifest.context_length:
        yield "token_ids truncates: captions beyond the context could not be counted"


DUAL_ENCODER: Mapping[str, tuple[Callable[[_Trial], Iterator[str]], tuple[str, ...]]] = {
    "protocol": (_protocol_problems, ()),
    "manifest": (_manifest_problems, ("protocol",)),
    "comparison": (_comparison_problems, ("protocol",)),
    "transform": (_transform_problems, ("protocol",)),
    "shapes": (_shape_problems, ("transform",)),
    "finite values": (_finite_problems, ("shapes",)),
    "same twice": (_determinism_problems, ("shapes", "finite values")),
    "any batch size": (_batch_problems, ("shapes", "finite values")),
    "token ids": (_token_problems, ("protocol",)),
    "token limit": (_limit_problems, ("token ids",)),
}
"""Name → the check, and the checks that must have passed before it."""


def _floats(vectors: Tensor) -> Floats:
    return np.asarray(vectors.float().cpu().numpy(), dtype=np.float64)


def _unit_length(*sides: Floats) -> list[Floats]:
    """Return the vectors scaled to unit length."""
    return [v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-30) for v in sides]


def _scale_by_largest(*sides: Floats) -> list[Floats]:
    """Return the vectors divided by the largest value; unit length would hide their lengths."""
    largest = max(float(np.abs(v).max()) for v in sides)
    return [v / max(largest, 1e-30) for v in sides]


def _pair_protocol_problems(trial: _Trial) -> Iterator[str]:
    if lacking := missing_members(trial.model, PairScorer):
        yield f"it is not a pair scorer: it lacks {', '.join(lacking)}"
    elif not isinstance(trial.model.manifest, ModelManifest):
        yield f"manifest is {trial.model.manifest!r}, which is not a ModelManifest"


def _feature_problems(trial: _Trial) -> Iterator[str]:
    n = len(trial.features)
    if n != len(trial.images):
        yield f"encode_images gives {n} features of {len(trial.images)} images"


def _score_shape_problems(trial: _Trial) -> Iterator[str]:
    n, shape = len(trial.scored.alone), tuple(trial.scored.together.shape)
    if shape != (n,):
        yield f"score gives shape {shape} for {n} pairs; expected [{n}]"


def _score_finite_problems(trial: _Trial) -> Iterator[str]:
    if not bool(trial.scored.together.isfinite().all()):
        yield "score gives values that are not finite"


def _score_determinism_problems(trial: _Trial) -> Iterator[str]:
    if not bool((trial.scored.together == trial.scored.again).all()):
        yield "score gives other values the second time (dropout? eval mode?)"


def _score_batch_problems(trial: _Trial) -> Iterator[str]:
    single = np.array([float(each[0]) for each in trial.scored.alone])
    apart = float(np.abs(_floats(trial.scored.together) - single).max())
    allowed = TOLERANCE.get(trial.model.manifest.dtype, TOLERANCE["fp32"])
    if apart > allowed * max(1.0, float(np.abs(single).max())):
        yield f"score depends on what else is in the batch: by {apart:.1e}"


def _score_limit_problems(trial: _Trial) -> Iterator[str]:
    yield from _truncation_problems(trial)
    beyond = trial.model.score([trial.features[0]], trial.model.tokenize([trial.too_long]))
    if not bool(beyond.isfinite().all()):
        yield "a caption beyond the context gives a score that is not finite"


PAIR_SCORER: Mapping[str, tuple[Callable[[_Trial], Iterator[str]], tuple[str, ...]]] = {
    "protocol": (_pair_protocol_problems, ()),
    "manifest": (_manifest_problems, ("protocol",)),
    "comparison": (_comparison_problems, ("protocol",)),
    "features": (_feature_problems, ("protocol",)),
    "shapes": (_score_shape_problems, ("features",)),
    "finite values": (_score_finite_problems, ("shapes",)),
    "same twice": (_score_determinism_problems, ("shapes", "finite values")),
    "any batch size": (_score_batch_problems, ("shapes", "finite values")),
    "token ids": (_token_problems, ("protocol",)),
    "token limit": (_score_limit_problems, ("token ids", "features")),
}
"""Name → the check, and the checks that must have passed before it, for pair scorers."""
