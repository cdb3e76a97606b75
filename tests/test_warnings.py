"""Which warnings fail a test: the filters of pyproject.toml."""

from __future__ import annotations

import warnings

import pytest


def warn(category: type[Warning], module: str) -> list[warnings.WarningMessage]:
    """Warn as a module would, under the suite's filters; return what was collected."""
    with warnings.catch_warnings(record=True) as collected:
        warnings.warn_explicit("of old", category, "file.py", 1, module, registry={})
    return collected


@pytest.mark.parametrize(
    "module", ["benchbench", "benchbench.tasks.x", "tests.adapters.x", "tools.x"]
)
@pytest.mark.parametrize("category", [DeprecationWarning, FutureWarning, UserWarning])
def test_a_warning_from_our_own_code_fails(category: type[Warning], module: str) -> None:
    with pytest.raises(category, match="of old"):
        warn(category, module)


@pytest.mark.parametrize("module", ["transformers.modeling_utils", "torch.nn", "benchbench_plugin"])
@pytest.mark.parametrize("category", [DeprecationWarning, PendingDeprecationWarning, FutureWarning])
def test_another_librarys_deprecation_is_collected(category: type[Warning], module: str) -> None:
    assert [each.category for each in warn(category, module)] == [category]


@pytest.mark.parametrize("category", [RuntimeWarning, ResourceWarning, pytest.PytestWarning])
def test_wrong_numbers_and_open_files_fail_wherever_they_come_from(
    category: type[Warning],
) -> None:
    with pytest.raises(category, match="of old"):
        warn(category, "numpy")
