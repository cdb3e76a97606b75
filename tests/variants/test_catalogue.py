"""What is read of the variants without importing them is what they say."""

from __future__ import annotations

from benchbench.registry import family_names, model_family
from benchbench.variants.catalogue import titles, usages, variants


def test_usages_read_from_the_files_are_those_of_the_families() -> None:
    read = usages()
    for name in set(read) & set(family_names()):
        assert read[name] == model_family(name).usage
    assert {"clip", "negclip", "structclip", "msgclip", "scenarioclip", "relclip"} <= set(read)
    assert {name for each in read.values() for name in each if ":PATH" not in name} == set(
        variants()
    )


def test_a_file_without_variants_has_no_titles() -> None:
    assert titles("LENGTH = 3") == {}
