"""Load trained variants, and evaluate them as models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchbench.checkpoints.activations import activation_of
from benchbench.checkpoints.digests import module_sha256
from benchbench.errors import ModelError, UnknownName, WeightsUnavailable
from benchbench.files import expand_path
from benchbench.types import LoadOptions, ModelFamily, ModelManifest
from benchbench.variants import towers, weights
from benchbench.variants.building import build_variant
from benchbench.variants.catalogue import bundled_path, usage
from benchbench.variants.contrast import MAX_SCALE
from benchbench.variants.relation_model import ImageScorer, RelationModel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from torch import Tensor, nn

    from benchbench.types import RelationInput, Role, Similarity
    from benchbench.types.arrays import Floats
    from benchbench.variants.building import Build
    from benchbench.variants.texts import Texts
    from benchbench.variants.variant import Variant


class TrainedVariant:
    """A dual encoder of this family."""

    def __init__(
        self, build: Build, record: Mapping[str, Any], name: str, where: str, options: LoadOptions
    ) -> None:
        """Wrap a model whose weights are loaded.

        Args:
            build: model, transform and reader.
            record: the file's record.
            name: the specification that named it.
            where: the weights came from.
            options: device and precision.
        """
        import torch

        self._kind = getattr(
            torch, {"fp32": "float32", "fp16": "float16"}.get(options.precision, "bfloat16")
        )
        self.model = build.model.eval().requires_grad_(False).to(options.device, self._kind)
        self.transform = build.transform
        self._reader = build.reader
        self.device = str(next(self.model.parameters()).device)
        self.similarity: Similarity = self.model.similarity
        self.logit_scale = float(self.model.clip.logit_scale.float().exp().clamp(max=MAX_SCALE))
        self.manifest = ModelManifest(
            name=name,
            architecture=build.architecture,
            weights=where,
            weights_sha256=module_sha256(self.model),
            trained=True,
            activation=activation_of(self.model),
            preprocessing=dict(build.preprocessing),
            tokenizer=type(build.reader.tokenizer).__name__,
            context_length=int(build.reader.tokenizer.context_length),
            dtype=options.precision,
            parameters=sum(p.numel() for p in self.model.parameters()),
            similarity=self.similarity,
            settings={
                "variant": record["variant"],
                **build.settings,
                **_tagger(build.reader.tagger),
                **_notes(record),
            },
        )

    def encode_images(self, batch: Tensor, role: Role) -> Tensor:
        """Encode images, [n, 3, size, size] → [n, dim]."""
        return self.model.encode_images(batch.to(self.device, self._kind), role)  # type: ignore[no-any-return]

    def token_ids(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """Return the ids of each caption, untruncated; its triples follow from the same words."""
        return [self._reader.ids(text) for text in texts]

    def tokenize(self, texts: Sequence[str]) -> Texts:
        """Return ids, and triples where the variant reads them."""
        return self._reader.read(texts)

    def encode_texts(self, batch: Texts, role: Role) -> Tensor:
        """Encode n captions → [n, dim]."""
        return self.model.encode_texts(batch.to(self.device), role)  # type: ignore[no-any-return]


class PlainVariant(TrainedVariant):
    """One that has no weights but CLIP's: they can be mixed with another's (``lerp:``)."""

    @property
    def module(self) -> nn.Module:
        """Return the module that computes: what ``towers.build`` returns."""
        return self.model.clip  # type: ignore[no-any-return]


class RelationVariant(TrainedVariant):
    """One with a head of its own for relations: ``types.RelationScorer`` too."""

    def __init__(self, build: Build, *rest: Any) -> None:
        """Take what ``TrainedVariant`` takes."""
        super().__init__(build, *rest)
        self._scorer = ImageScorer(self.model, build.reader)

    def score_relations(self, inputs: RelationInput) -> Floats:
        """Return log-probabilities, [pairs, predicates]."""
        return self._scorer.score_relations(inputs)

    def score_objects(self, inputs: RelationInput) -> Floats:
        """Return log-probabilities, [boxes, objects]."""
        return self._scorer.score_objects(inputs)


MIN_EXAMPLES = 10_000
"""Examples below which training was a trial of the path, not of the method."""


def _tagger(name: str | None) -> dict[str, str]:
    """Return the tagger of free text's triples, with its version, where there is one.

    Raises:
        MissingData: it is not installed.
    """
    if not name:
        return {}
    from benchbench.data.tagging import find_tagger

    return {"tagger": find_tagger(name).name}


def _notes(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return how long it was trained, and what must be said of it above every number."""
    plan, step, data = record.get("plan", {}), record.get("step"), str(record.get("data", ""))
    found: dict[str, Any] = {}
    notes = []
    if step is not None and "batch" in plan:
        examples = step * plan["batch"]
        found["training"] = f"{examples:,} examples in {step:,} steps, seed {plan.get('seed')}"
        if examples < MIN_EXAMPLES:
            notes.append(
                f"trained on {examples:,} examples, which shows that training works and says "
                "nothing of the method."
            )
    if record.get("data_sha256"):
        found["data"] = f"{data}, {', '.join(record.get('splits', ())) or 'all of it'}"
        if data.endswith("_test.json"):
            notes.append(
                f"trained on {data}, by its name a test split: what it scores there, it was taught."
            )
    if note := record.get("note"):
        notes.append(note)
    return found | ({"note": " ".join(notes)} if notes else {})


def load_variant(
    variants: Mapping[str, Variant], rest: str, options: LoadOptions
) -> TrainedVariant:
    """Load a bundled variant, or a checkpoint that ``benchbench train`` wrote.

    Args:
        variants: those of one file, by what follows the colon: "" is the paper's own.
        rest: one of these, or a path.
        options: device and precision.

    Raises:
        UnknownName: neither.
        WeightsUnavailable: the variant is not bundled, or there is no such file.
        ModelError: a damaged file, or another family's.
        MissingData: it reads free text by a tagger that is not installed.
    """
    family = next(iter(variants.values())).name
    if rest in variants:
        name = variants[rest].name
        path, where = bundled_path(name), "bundled"
        if not path.is_file():
            raise WeightsUnavailable(
                f"No weights of {name} are bundled. Train it: benchbench train {name}"
            )
    elif rest.endswith(weights.SUFFIX) or "/" in rest:
        name, path = f"{family}:{rest}", expand_path(rest)
        where = path.name
    else:
        there = [v.name for v in variants.values()]
        raise UnknownName("model", f"{family}:{rest}", there, f"Or a checkpoint: {family}:PATH")
    tensors, record = weights.read(path)
    described = {v.name: v for v in variants.values()}.get(str(record.get("variant")))
    if described is None:
        raise ModelError(
            f"{path} holds weights of {record.get('variant', 'no variant')}, not of {family}."
        )
    build = build_from(described, record, tensors, path)
    kind = _kind(build.model)
    return kind(build, record, name, where, options)


def _kind(model: Any) -> type[TrainedVariant]:
    if isinstance(model, RelationModel):
        return RelationVariant
    plain = all(name.startswith("clip.") for name in model.state_dict())
    return PlainVariant if plain else TrainedVariant


def build_from(
    described: Variant, record: Mapping[str, Any], tensors: Mapping[str, Tensor], path: Path
) -> Build:
    """Build the model that a file's record describes, with its weights.

    Raises:
        ModelError: the weights are not those of what the record describes.
    """
    try:
        _check(record)
        clip = towers.build(record["architecture"], record["preprocessing"])
        build = build_variant(described, clip, record["architecture"], record["settings"])
        build.model.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
        build.reader.tagger = record.get("tagger")
    except (AttributeError, KeyError, TypeError, RuntimeError, ValueError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0].rstrip(".:")
        raise ModelError(
            f"{path} is damaged, or of another version: its weights do not fit what it says it is "
            f"({reason})."
        ) from error
    return build


KINDS: dict[str, type] = {
    "settings": dict, "plan": dict, "step": int, "data": str, "splits": list, "tagger": str,
    "note": str,
}  # fmt: skip
"""The types of the optional fields of a file's record."""


def _check(record: Mapping[str, Any]) -> None:
    """Refuse a record that ``benchbench train`` did not write.

    Raises:
        TypeError: naming the field.
    """
    for name, kind in KINDS.items():
        if name in record and not isinstance(record[name], kind):
            raise TypeError(f"{name} is {record[name]!r}")
    plan = record.get("plan", {})
    if not isinstance(plan.get("batch", 1), int):
        raise TypeError(f"batch is {plan['batch']!r}")
    if not all(isinstance(split, str) for split in record.get("splits", ())):
        raise TypeError(f"splits is {record['splits']!r}")


def family(variants: Sequence[Variant]) -> ModelFamily:
    """Return the model family of one file's variants: the first is the paper's own."""
    by_rest = {each.name.partition(":")[2]: each for each in variants}
    return ModelFamily(
        name=variants[0].name,
        usage=usage({each.name: each.title for each in variants}),
        load=lambda rest, options: load_variant(by_rest, rest, options),
        names=lambda: [each.name for each in variants],
    )
