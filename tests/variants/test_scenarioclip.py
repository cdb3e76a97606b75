"""ScenarioCLIP's streams, its masked contrast, and the averages that teach it."""

from __future__ import annotations

from typing import Any, cast

import pytest
import torch
from open_clip import CLIP

from benchbench.types import Role
from benchbench.variants import towers
from benchbench.variants.building import build_variant
from benchbench.variants.contrast import distillation_loss, info_nce
from benchbench.variants.features import vision_of
from benchbench.variants.inputs import ACTION, OBJECT, RELATION, Inputs
from benchbench.variants.scenarioclip import VARIANTS, ScenarioCLIP
from benchbench.variants.texts import Texts, hash_ids, join_ids
from benchbench.variants.variant import Batch, NamedImages, shipped_weights

ROLES: tuple[Role, ...] = ("scene", "object", "relation")
SETTINGS = {"action_percent": 25, "distill_weight": 1.0, "distill_sharpness": 10.0}
END = 63


def model_of(shared: bool = False, **settings: Any) -> ScenarioCLIP:
    torch.manual_seed(0)
    clip = CLIP(
        16,
        {"image_size": 32, "patch_size": 16, "layers": 1, "width": 32, "head_width": 16},
        {"context_length": 12, "vocab_size": END + 1, "width": 32, "heads": 2, "layers": 1},
    )
    return ScenarioCLIP(clip, shared=shared, **{**SETTINGS, "teacher_decay": 0.9, **settings})


def texts_of(n: int, words: int = 6) -> Texts:
    ids = torch.randint(1, END, (n, words))
    ids[:, -1] = END
    return Texts(ids)


def batch_of(n: int = 6) -> Batch:
    torch.manual_seed(1)

    def shown() -> NamedImages:
        yes = torch.ones(n, dtype=torch.bool)
        return NamedImages(torch.randn(n, 3, 32, 32), texts_of(n, 4), yes, yes)

    inputs = Inputs({key: shown() for key in (ACTION, OBJECT, RELATION)})
    return Batch(torch.randn(n, 3, 32, 32), texts_of(n), inputs=inputs)


@pytest.mark.parametrize("shared", [False, True])
def test_gradients_reach_every_weight(shared: bool) -> None:
    model = model_of(shared)
    model(batch_of(), 0).total.backward()
    lacking = [
        name
        for name, p in model.named_parameters()
        if not name.startswith("teacher.") and (p.grad is None or not p.grad.any())
    ]
    assert lacking == []


@pytest.mark.parametrize("role", ROLES)
def test_each_contrast_trains_the_towers_of_its_level_alone(role: Role) -> None:
    model = model_of(distill_weight=0.0)
    for chosen in ROLES:
        if chosen != role:
            model.scale = _nothing_for(chosen, model.scale)  # type: ignore[method-assign]
    model(batch_of(), 0).total.backward()
    moved = {
        name.split(".")[1] if name.startswith("own") else "scene"
        for name, p in model.named_parameters()
        if name.startswith(("own", "clip")) and p.grad is not None and p.grad.any()
    }
    assert moved == {role}


def _nothing_for(role: str, scale: Any) -> Any:
    return lambda asked: torch.zeros(()) if asked == role else scale(asked)


def test_each_level_has_its_own_tower_and_the_control_has_one() -> None:
    pixels, texts = torch.randn(2, 3, 32, 32), texts_of(2)
    three, one = model_of(), model_of(shared=True)
    with torch.no_grad():
        for model in (three, one):
            for p in model.own.parameters():
                p.add_(0.1 * torch.randn_like(p))
            images = [model.encode_images(pixels, role) for role in ROLES]
            names = [model.encode_texts(texts, role) for role in ROLES]
            for first, *others in (images, names):
                assert all(torch.equal(first, each) == (model is one) for each in others)
                assert torch.allclose(first.norm(dim=1), torch.ones(2))
    sizes = [sum(p.numel() for p in m.parameters()) for m in (three, one)]
    assert sizes[0] - 3 == 3 * (sizes[1] - 3)  # but for the scales


def test_equal_names_and_rows_without_any_are_no_negatives() -> None:
    torch.manual_seed(0)
    images, texts = (torch.nn.functional.normalize(torch.randn(5, 8), dim=1) for _ in range(2))
    same = torch.tensor([0, 1, 0, 2, 3])
    there = torch.tensor([True, True, True, True, False])
    scale = torch.tensor(7.0)
    losses = []
    for one, other in ((images, texts), (texts, images)):
        for i in range(4):
            among = [j for j in range(4) if j == i or same[j] != same[i]]
            logits = scale * one[i] @ other[among].T
            losses.append(torch.logsumexp(logits, 0) - scale * one[i] @ other[i])
    assert torch.allclose(info_nce(images, texts, scale, same, there), torch.stack(losses).mean())


def test_nothing_to_contrast_is_no_loss() -> None:
    images = torch.randn(3, 4, requires_grad=True)
    loss: Any = info_nce(images, torch.randn(3, 4), torch.tensor(1.0), None, torch.zeros(3).bool())
    loss.backward()
    assert loss.item() == 0
    assert images.grad is not None and torch.isfinite(images.grad).all()


def test_distillation_is_the_divergence_of_what_both_find() -> None:
    torch.manual_seed(0)
    student, teacher, among = (torch.randn(4, 8, requires_grad=True) for _ in range(3))
    there = torch.tensor([True, False, True, True])
    loss: Any = distillation_loss(student, teacher, among, 2.0, there)
    p, q = (torch.softmax(2.0 * each @ among.T, dim=1) for each in (teacher, student))
    wanted = (p * (p / q).log()).sum(dim=1)[there].mean()
    assert torch.allclose(loss, wanted)
    loss.backward()
    assert student.grad is not None and teacher.grad is None and among.grad is None
    assert not student.grad[1].any()
    assert distillation_loss(student, student, among, 2.0, there).item() == pytest.approx(
        0, abs=1e-6
    )


def test_the_teacher_is_an_average_and_gets_no_gradient() -> None:
    model, batch = model_of(), batch_of()
    model(batch, 0).total.backward()
    assert model.teacher is not None
    assert set(model.teacher) == set(ROLES)
    before = {name: t.clone() for name, t in model.teacher.named_parameters()}
    with torch.no_grad():
        for p in [*model.clip.parameters(), *model.own.parameters()]:
            p.add_(1.0)
    model(batch, 1000).total.backward()
    for name, mean in model.teacher.named_parameters():
        assert torch.allclose(mean, before[name] + 0.1, atol=1e-5), name
        assert mean.grad is None and not mean.requires_grad


def test_the_average_follows_faster_at_the_start() -> None:
    model, batch = model_of(), batch_of()
    model(batch, 0)
    teacher = cast("Any", model.teacher)
    before = vision_of(teacher["scene"]).proj.clone()
    with torch.no_grad():
        vision_of(model.clip).proj.add_(1.0)
    model(batch, 1)
    assert torch.allclose(vision_of(teacher["scene"]).proj, before + (1 - 2 / 11), atol=1e-5)


def test_weights_to_ship_have_no_teacher_and_a_state_brings_it_back() -> None:
    model = model_of()
    names = set(model.state_dict())
    model(batch_of(), 0)
    assert set(shipped_weights(model)) == names < set(model.state_dict())
    fresh, state = model_of(), model.state_dict()
    fresh.load_state_dict({name: tensor + 1 for name, tensor in state.items()})
    assert all(torch.equal(fresh.state_dict()[name], t + 1) for name, t in state.items())
    model_of().load_state_dict(shipped_weights(model))


def test_without_distillation_there_is_no_teacher() -> None:
    model = model_of(distill_weight=0.0)
    loss = model(batch_of(), 0)
    assert model.teacher is None
    assert set(loss.parts) == {f"contrast_{role}" for role in ROLES}


def test_some_global_images_are_whole_ones_with_their_action() -> None:
    model, batch = model_of(), batch_of(6)
    shown, action = model._images(batch), batch.inputs[ACTION]
    assert shown.within.tolist() == [True] * 2 + [False] * 4
    assert torch.equal(shown.images, torch.cat([action.images[:2], batch.images[2:]]))
    wanted = join_ids(action.texts.ids[:2], batch.texts.ids[2:])
    assert torch.equal(shown.texts.ids, wanted) and wanted.shape == (6, 6)


def test_names_have_numbers_whatever_else_is_in_the_batch() -> None:
    ids = torch.tensor([[1, 5, END, 0], [1, 5, END, 0], [5, 1, END, 0], [1, 5, 5, END]])
    numbers = hash_ids(ids)
    assert numbers[0] == numbers[1] and len(set(numbers.tolist())) == 3
    assert torch.equal(numbers[:3], hash_ids(ids[:3, :3]))


def test_the_small_towers_fit_into_fifteen_megabytes() -> None:
    model = build_variant(VARIANTS[0], towers.build(towers.NAME), towers.NAME).model
    assert sum(2 * tensor.numel() for tensor in shipped_weights(model).values()) < 15e6
