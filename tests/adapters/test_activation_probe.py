"""Both readings of a file on true pairs: the advice is that of the weights, and only advice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image

from benchbench.adapters.activation_probe import (
    POSITIONS,
    Pair,
    distinct,
    minimum,
    probe,
    read_pairs,
    replace_activations,
    true_pairs,
)
from benchbench.errors import MalformedData, MissingData, UsageError
from benchbench.registry import load_task
from benchbench.types import ACTIVATIONS, Activation, ImageRef, LoadOptions
from tests.adapters.trained import ARCHITECTURE, noise, trained
from tests.adapters.trained import PAIRS as SHOWN
from tests.cli.test_cli import typed

PAIRS = 30


@pytest.fixture
def pairs(tmp_path: Path) -> list[Pair]:
    """Noise, each with a caption of its own."""
    rng = np.random.default_rng(0)
    found = []
    for i in range(PAIRS):
        path = tmp_path / f"{i}.png"
        Image.fromarray(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(path)
        found.append(Pair(ImageRef(path), f"picture number {i} of a dog"))
    return found


def fitted(pairs: list[Pair], activation: Activation, path: Path) -> str:
    """A file whose captions lie on their images' embeddings, with that activation alone.

    No training of a few seconds tells the readings of two layers apart; least squares does: there
    are fewer pairs than coordinates before the projection, so that it meets all of them.
    """
    torch.manual_seed(3)
    model, _, transform = open_clip.create_model_and_transforms(
        "tiny", force_quick_gelu=activation == "quickgelu"
    )
    model.eval().requires_grad_(False)
    for name, weight in model.named_parameters():
        if "mlp" in name:
            weight.mul_(4)
    images = torch.stack([transform(Image.open(pair.image.path)) for pair in pairs])
    ids = open_clip.get_tokenizer("tiny")([pair.caption for pair in pairs])
    width = model.text_projection.shape[0]
    model.text_projection = torch.nn.Parameter(torch.eye(width), requires_grad=False)
    wanted = model.encode_image(images, normalize=True).double()
    solved = torch.linalg.lstsq(model.encode_text(ids).double(), wanted, driver="gelsd")
    state = model.state_dict() | {"text_projection": solved.solution.float()}
    state["logit_scale"] = torch.tensor(100.0).log()
    torch.save(state, path)
    return str(path)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_advice_is_the_activation_that_the_weights_fit(
    tiny: str, pairs: list[Pair], tmp_path: Path, activation: Activation
) -> None:
    path = fitted(pairs, activation, tmp_path / "weights.pt")
    probed = probe(path, LoadOptions(architecture="tiny"), pairs)
    assert probed.pairs == PAIRS
    assert probed.evidence == activation, probed.advice
    assert f"--activation {activation}" in probed.advice
    alignment = next(each for each in probed.measures if each.name == "alignment")
    assert getattr(alignment, activation) == pytest.approx(1, abs=1e-3)


def test_weights_that_fit_neither_are_given_no_advice(
    tiny: str, pairs: list[Pair], tmp_path: Path
) -> None:
    torch.save(open_clip.create_model("tiny").state_dict(), tmp_path / "weights.pt")
    probed = probe(str(tmp_path / "weights.pt"), LoadOptions(architecture="tiny"), pairs)
    assert probed.evidence is None
    assert probed.advice.startswith("No advice")
    assert "Task accuracy is not a criterion" in probed.advice


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_advice_is_right_of_weights_trained_by_descent(
    tiny: str, tmp_path: Path, activation: Activation
) -> None:
    path = trained(activation, tmp_path / "weights.pt")
    options, place = LoadOptions(architecture=ARCHITECTURE), ACTIVATIONS.index(activation)
    probed = probe(path, options, noise(tmp_path / "shown", SHOWN))
    assert probed.evidence == activation, probed.advice
    assert probed.minimum.value == pytest.approx(place, abs=0.2)
    # Of pairs that it was not trained on, such a model knows nothing, however sure it is.
    others = noise(tmp_path / "others", SHOWN, seed=1)
    assert probe(path, options, others).evidence is None


def test_a_probe_is_refused_where_it_can_say_nothing(tiny: str, pairs: list[Pair]) -> None:
    with pytest.raises(UsageError, match="10 pairs or more; there are 7"):
        probe("weights.pt", LoadOptions(), pairs[:7])
    with pytest.raises(UsageError, match="leave out --activation"):
        probe("weights.pt", LoadOptions(activation="gelu"), pairs)


def test_what_is_true_of_two_is_left_out() -> None:
    one, other = ImageRef(Path("a")), ImageRef(Path("b"))
    pairs = [Pair(one, "x"), Pair(one, "y"), Pair(other, "x"), Pair(other, "z")]
    assert distinct(pairs) == [pairs[0], pairs[3]]


def test_pairs_are_those_of_a_file_or_a_task(tmp_path: Path, shapes: Path) -> None:
    file = tmp_path / "pairs.csv"
    file.write_text('a.png,"a dog, a cat"\n')
    assert read_pairs(file) == [Pair(ImageRef(tmp_path / "a.png"), "a dog, a cat")]
    file.write_text("a.png,a dog,a cat\n")
    with pytest.raises(MalformedData, match=r"line 1 has 3 fields"):
        read_pairs(file)
    with pytest.raises(MissingData, match="No such file"):
        read_pairs(tmp_path / "none.csv")
    items = load_task("vg-relation").items(shapes)
    item = items[0]
    assert true_pairs([item]) == [Pair(item.images[0], item.captions[item.target[0]])]


def test_the_command_prints_both_readings(tiny: str, pairs: list[Pair], tmp_path: Path) -> None:
    path = fitted(pairs, "quickgelu", tmp_path / "weights.pt")
    file = tmp_path / "pairs.csv"
    file.write_text("".join(f"{pair.image.path.name},{pair.caption}\n" for pair in pairs))
    done = typed("probe", path, "--arch", "tiny", "--pairs", file, "--device", "cpu")
    assert done.exit_code == 0, done.output
    assert "Advice: --activation quickgelu" in done.stdout
    done = typed("probe", path, "--arch", "tiny-quickgelu", "--pairs", file)
    assert done.exit_code == 2
    assert "contradicts itself" in done.stderr


def test_what_says_its_activation_is_not_probed() -> None:
    with pytest.raises(UsageError, match="The activation of blind:chance is known"):
        probe("blind:chance", LoadOptions(), [])


def test_both_ends_are_the_activations_themselves() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.GELU())
    before, x = model[1], torch.randn(5, 3)
    hidden = model[0](x)
    gelu, quick = torch.nn.GELU()(hidden), hidden * torch.sigmoid(1.702 * hidden)
    for place, expected in ((0, gelu), (1, quick), (-1, 2 * gelu - quick), (2, 2 * quick - gelu)):
        with replace_activations(model, ["1"], place):
            torch.testing.assert_close(model(x), expected)
    assert model[1] is before


def test_a_module_comes_back_after_an_error() -> None:
    model = torch.nn.Sequential(torch.nn.GELU())
    before = model[0]
    with pytest.raises(RuntimeError, match="another shape"), replace_activations(model, ["0"], 2):
        raise RuntimeError("another shape")
    assert model[0] is before


def test_the_least_place_is_that_of_a_known_parabola() -> None:
    rng = np.random.default_rng(0)
    at = np.asarray(POSITIONS)[:, None]
    own = 0.8 + 0.1 * rng.standard_normal(400)
    losses = 2 + 0.05 * (at - own) ** 2 + rng.standard_normal(400)
    found = minimum(losses, 0.99)
    assert found.value == pytest.approx(own.mean())
    assert found.low < 0.8 < found.high
    assert found.high - found.low == pytest.approx(2 * 2.58 * 0.1 / 20, rel=0.2)


def test_a_slope_or_a_hill_has_no_least_place() -> None:
    at, noise = np.asarray(POSITIONS)[:, None], np.random.default_rng(1).standard_normal(200)
    hill = minimum(3 - 0.1 * at**2 + 0.01 * noise * at, 0.99)
    assert np.isnan(hill.value)
    assert (hill.low, hill.high) == (-np.inf, np.inf)
    slope = minimum(-0.1 * at + 0.01 * noise * at**2, 0.99)
    assert slope.high - slope.low > 10
