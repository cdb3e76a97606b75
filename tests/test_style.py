"""Sentences in the package keep to docs/style.md: errors, help, docstrings and task cards."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

TOP = Path(__file__).parent.parent
SOURCES = sorted((TOP / "benchbench").rglob("*.py")) + sorted((TOP / "tasks").glob("*.py"))

AVOIDED = {
    r"[Pp]ictures?": "image",
    r"(is|are|was|be|hold what is) no number": "NaN, not finite",
    r"[Ww]ho(so)?ever": "the caller, the user",
    r"lest": "otherwise",
    r"[Mm]end(s|ed|ing)?": "fix",
    r"vouch(es|ed)?": "confirm",
    r"heed(s|ed)?": "support, obey",
    r"by whose word": "evidence",
    r"unseeing|never looks?": "text-only",
    r"earns?|earned": "score, be",
    r"[Ll]eaves with": "exit with",
    r"(is|are|was|were|be) (asked|examined)": "be evaluated",
    r"exams?": "validation",
    r"then and ever after": "always",
}
"""Words to avoid → what to write (docs/style.md)."""
WORDS = re.compile(r"(?<![\w`\-/.])(" + "|".join(AVOIDED) + r")(?![\w`\-/])")
NO_VERB = re.compile(
    r"(The|A|An|This|That|These|What|Which|Who|Whose|Where|When|How|Whether|Why|All|Any|Each|Every|"
    r"Some|No|None|Of|As|With|Without|By|From|In|On|At|For|To|It|Its|One|Two|Only|Also|Likewise)\b"
    r"|[^A-Za-z]"
)
"""First words of a docstring's first line that are no imperative verb."""
DATA = {
    "adapters/vqascore.py",
    "scenegraph/word_classes.py",
    "scenegraph/drawn_captions.py",
    "scenes/captions.py",
    "scenes/lexicon.py",
}
"""Files whose strings are words of drawn captions, or part of models' fingerprints."""


def sentences(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of each string of three words or more, code in it left out."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = re.sub(r"``.*?``|`[^`]*`", "", node.value, flags=re.S)
            if len(text.split()) >= 3:
                yield node.lineno, text


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(TOP)))
def test_sentences_use_the_words_of_the_style_guide(path: Path) -> None:
    if str(path.relative_to(TOP / path.relative_to(TOP).parts[0])) in DATA:
        return
    found = [
        f"{path.relative_to(TOP)}:{line}: {match[0]!r} in {' '.join(text.split())[:100]!r}"
        for line, text in sentences(ast.parse(path.read_text("utf-8")))
        for match in WORDS.finditer(text)
    ]
    assert not found, "\n".join(["docs/style.md has other words for:", *found])


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(TOP)))
def test_docstrings_of_functions_begin_with_a_verb(path: Path) -> None:
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.FunctionDef) or any(
            ast.unparse(each).endswith("property") for each in node.decorator_list
        ):
            continue
        text = ast.get_docstring(node)
        if text and NO_VERB.match(text):
            found.append(f"{path.relative_to(TOP)}:{node.lineno}: {text.splitlines()[0]!r}")
    assert not found, "\n".join(["Begin with an imperative verb (docs/style.md):", *found])
