from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

from benchbench.errors import MissingData, UsageError
from benchmarks.claims import CLAIMS, read_claims
from benchmarks.members import MEMBERS, PARTS, SHIPPED, STARTS, canonical

WHOLE = """
level = 0.025

[[claims]]
name = "one"
sentence = "One is better than the other"
better = "structclip"
worse = "clip"
task = "vg-relation"
kind = "superior"
family = "confirmatory"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "claims.toml"
    path.write_text(text, "utf-8")
    return path


def test_what_is_claimed_is_what_was_fixed() -> None:
    found = read_claims(CLAIMS)
    assert found.level == 0.025
    assert (len(found.claims), len(found.confirmatory)) == (63, 25)
    assert {(each.kind, each.margin) for each in found.confirmatory} == {
        ("superior", 0.0), ("superior", 20.0), ("kept", 2.0),
    }  # fmt: skip
    assert any("photographs" in each for each in found.limits)
    known = {each.name for each in MEMBERS}
    others = {name for each in found.claims for name in (each.better, each.worse)} - known
    assert others == {"blind:frequency"}


def test_every_member_is_in_a_claim_or_a_part() -> None:
    of_claims = {n for each in read_claims().claims for n in (each.better, each.worse)}
    of_parts = {canonical(f"{part}@{start}") for part in PARTS for start in STARTS}
    assert {each.name for each in MEMBERS} == (of_claims | of_parts) - {"blind:frequency"}
    assert set(SHIPPED) <= of_claims


def test_bounds_are_shares(tmp_path: Path) -> None:
    more = WHOLE.replace('"superior"', '"kept"\nmargin = 2')
    (one,) = read_claims(written(tmp_path, WHOLE)).claims
    (kept,) = read_claims(written(tmp_path, more)).claims
    assert (one.bound, one.question) == (0.0, "vg-relation")
    assert (kept.bound, kept.question) == (-0.02, "vg-relation, kept to 2")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("level = 0.025", "", r"level should be a number between 0 and 0\.5, not None"),
        ("0.025", "95.0", "not 95.0"),
        ("0.025", "0.025\nlimits = 3", "limits should be a list of sentences"),
        ("[[claims]]", "[claim]", "Unknown key 'claim'. Did you mean 'claims'"),
        ("[[claims]]", "[claims]", r"should hold tables \[\[claims\]\]"),
        ('task = "vg-relation"\n', "", r"claim 1 \('one'\) has no task\. It needs: name"),
        ('"vg-relation"', '"vg-relations"', "Did you mean 'vg-relation'"),
        ('"vg-relation"', '"vg-relation"\nmetric = "makro"', "Did you mean 'macro'"),
        ('"vg-relation"', '"coco-retrieval"\nmetric = "t2i-median-rank"', "counts places"),
        ('"superior"', '"best"', "Unknown kind 'best'.*superior, kept, estimate"),
        ('"superior"', '"kept"', "needs a margin above 0"),
        ('"superior"', '"superior"\nmargin = -1', "margin should be points"),
        ('"superior"', '"superior"\nmargin = true', "margin should be points"),
        ('"superior"', '"estimate"', "estimate, of which nothing is tested"),
        ('"confirmatory"', '"sure"', "Unknown family 'sure'"),
        ('"clip"', '"structclip"', "compares structclip with itself"),
        ('"clip"', '"structclip@facts"', "compares structclip with itself"),
        ('"clip"', '"clipp"', "Unknown model"),
        ('"clip"', '"structclip:bags"', "Unknown member.*Did you mean 'structclip:bag'"),
        ('"clip"', "3", "worse should be text, not 3"),
        ("level", "level =", "not valid TOML"),
    ],
)
def test_a_bad_file_is_one_clear_error(tmp_path: Path, before: str, after: str, said: str) -> None:
    assert before in WHOLE
    with pytest.raises(UsageError, match=said) as caught:
        read_claims(written(tmp_path, WHOLE.replace(before, after, 1)))
    assert "\n" not in str(caught.value)


def test_two_claims_of_one_name_and_no_file(tmp_path: Path) -> None:
    again = WHOLE.partition("[[claims]]")[2]
    with pytest.raises(UsageError, match="two claims named 'one'"):
        read_claims(written(tmp_path, f"{WHOLE}\n[[claims]]{again}"))
    with pytest.raises(MissingData, match="File not found"):
        read_claims(tmp_path / "none.toml")


@pytest.mark.parametrize("name", ["curves", "members", "variants_tables", "verdicts"])
def test_examples_in_docstrings(name: str) -> None:
    found = doctest.testmod(import_module(f"benchmarks.{name}"))
    assert found.attempted
    assert not found.failed
