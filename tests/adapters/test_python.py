"""Models that the caller's own code makes, and what is said when it does not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchbench.errors import BenchbenchError, ContractError, ModelError, UnknownName, UsageError
from benchbench.evaluation import evaluate
from benchbench.registry import load_model
from benchbench.types import LoadOptions, RelationScorer

CODE = """
from benchbench import load_model
CALLS = []
def needs(options):
    CALLS.append(options)
    return load_model("blind:chance", options)
def named(width=3, *, options=None): return load_model("blind:constant")
def optional(options=None): return needs(options)
def plain(): return load_model("blind:constant")
def loose(*parts, **more): return load_model("blind:constant")
def none(): return None
class Half:
    device, similarity, logit_scale = "cpu", "cosine", 1.0
    manifest = None
    def transform(self, image): ...
    def tokenize(self, texts): ...
    def token_ids(self, texts): ...
    def encode_texts(self, batch, role): ...
class Whole(Half):
    def encode_images(self, batch, role): ...
class Relations:
    device = "cpu"
    manifest = load_model("blind:constant").manifest
    def score_relations(self, view): ...
    def score_objects(self, view): ...
def kind(): return Whole
def fails(): raise RuntimeError("no weights\\nhere")
def leaves(): raise SystemExit(3)
def ours(): return load_model("blind:nothing")
def two(a, b): ...
NUMBER = 3
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a package, and modules that break."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "__init__.py").write_text("")
    for name in ("own/models.py", "single.py"):
        (tmp_path / name).write_text(CODE)
    (tmp_path / "broken.py").write_text("import no_such_thing")
    (tmp_path / "wrong.py").write_text("def f(:")
    (tmp_path / "exits.py").write_text("import sys; sys.exit(3)")
    (tmp_path / "beside.py").write_text("from single import plain")
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    monkeypatch.chdir(tmp_path)
    modules = {"own", "own.models", "single", "broken", "wrong", "exits", "beside"}
    for name in modules:
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


def test_a_module_or_a_file_of_the_working_directory_makes_a_model(here: Path) -> None:
    options = LoadOptions(seed=7)
    for source in ("own.models", "own/models.py", str(here / "single.py")):
        model = load_model(f"python:{source}:needs", options)
        assert model.manifest.name == "blind:chance"
        assert model.manifest.settings == {"seed": 7}
    assert sys.path[-1] != "" and str(here) in sys.path[1:]


def test_a_file_is_run_once_and_may_import_its_neighbours(here: Path) -> None:
    load_model("python:own/models.py:needs")
    load_model("python:./own/models.py:optional")
    path = str(here / "own" / "models.py")
    (module,) = (m for m in list(sys.modules.values()) if getattr(m, "__file__", None) == path)
    assert len(module.CALLS) == 2
    assert load_model("python:beside.py:plain").manifest.name == "blind:constant"


@pytest.mark.parametrize("factory", ["plain", "named", "loose"])
def test_a_factory_that_needs_nothing_gets_nothing(here: Path, factory: str) -> None:
    assert load_model(f"python:single:{factory}").manifest.name == "blind:constant"
    with pytest.raises(UsageError, match="takes no --trust-pickle: its factory has no parameter"):
        load_model(f"python:single:{factory}", LoadOptions(trust_pickle=True))


def test_a_head_for_relations_alone_is_a_model(here: Path) -> None:
    assert isinstance(load_model("python:single:Relations"), RelationScorer)


@pytest.mark.parametrize(
    ("rest", "kind", "message"),
    [
        ("", UsageError, "names no module and factory"),
        ("single", UsageError, "names no module and factory. Type python:package"),
        ("nowhere.at_all:f", ModelError, "there is no module 'nowhere' in /"),
        ("own.nowhere:f", ModelError, "there is no module 'own.nowhere'"),
        ("nowhere.py:f", ModelError, r"the file nowhere\.py does not exist"),
        ("./own:f", ModelError, "the file own is a folder"),
        ("broken:f", ModelError, "importing 'broken' fails: No module named 'no_such_thing'"),
        ("wrong:f", ModelError, r"raises SyntaxError: .*\(wrong.py, line 1\)\. The"),
        ("exits:f", ModelError, r"raises SystemExit: 3 \(.*exits.py, line 1\)"),
        ("single:palin", UnknownName, "Did you mean 'plain'.*has Half, Relations, Whole, fails"),
        ("single:NUMBER", UsageError, "is 3. Name a function or class"),
        (
            "single:none",
            ContractError,
            "gives None, which is neither a dual encoder nor a pair scorer",
        ),
        ("single:Half", ContractError, "class Half.*as a dual encoder it lacks encode_images"),
        ("single:kind", ContractError, r"the class Whole \(not an object of it\)"),
        ("single:Whole", ContractError, "its manifest is None. Give it a benchbench.ModelManifest"),
        ("single:fails", ModelError, "raises RuntimeError: no weights here .*single.py, line"),
        ("single:leaves", ModelError, "raises SystemExit: 3"),
        ("single:ours", UnknownName, "Unknown blind baseline"),
        ("single:two", ModelError, r"raises TypeError: two\(\) missing 1"),
    ],
)
def test_what_is_wrong_is_said(
    here: Path, rest: str, kind: type[BenchbenchError], message: str
) -> None:
    with pytest.raises(kind, match=message):
        load_model(f"python:{rest}")


def test_what_a_factory_raised_stays_behind_the_error(here: Path) -> None:
    with pytest.raises(ModelError) as caught:
        load_model("python:single:fails")
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_a_scorer_of_pairs_is_a_model_too(here: Path, shapes: Path) -> None:
    (here / "pairs.py").write_text("from tests.pair_scorers import HashScorer")
    sys.path.append(str(Path(__file__).parents[2]))
    run = evaluate("python:pairs.py:HashScorer", "vg-relation", data_root=shapes, limit=5)
    assert run.model.similarity == "pairs"
