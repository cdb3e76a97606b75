"""The catalogue's table has the names and titles of the variants' own files."""

from __future__ import annotations

from benchbench.registry import family_names, model_family
from benchbench.variants.catalogue import METHODS, STARTS, usages, variants


def test_titles_in_the_table_are_the_variants_own() -> None:
    table = {name: title for each in (METHODS | STARTS).values() for name, title in each.items()}
    assert table == {name: each.title for name, each in variants().items()}
    assert all(next(iter(titles)) == name for name, titles in (METHODS | STARTS).items())


def test_usages_of_the_table_are_those_of_the_families() -> None:
    read = usages()
    for name in set(read) & set(family_names()):
        assert read[name] == model_family(name).usage
    assert {"clip", "negclip", "structclip", "msgclip", "scenarioclip", "relclip"} <= set(read)
    assert {name for each in read.values() for name in each if ":PATH" not in name} == set(
        variants()
    )
