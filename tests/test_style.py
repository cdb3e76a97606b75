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
HEADLESS = re.compile(r"\AOf |^ +\w+: of ", re.M)
"""A docstring, or the text of an argument in one, that begins with "of": the thing is missing."""
IS_NO = re.compile(
    r"(?<!here )\b(is|are|was|were|be|being) no (?!longer|more|less|such|wider|candidate)"
)
"""Write "is not a"; "there is no" is plain English."""
DATA = {
    "adapters/prompted.py",
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


def docstrings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of each docstring, those of attributes included."""
    for node in ast.walk(tree):
        match node:
            case ast.Expr(ast.Constant(str() as text)):
                yield node.lineno, text


@pytest.mark.parametrize(
    "path",
    SOURCES,
    ids=lambda path: str(path.relative_to(TOP)),
)
def test_sentences_name_the_thing(path: Path) -> None:
    tree, name = ast.parse(path.read_text("utf-8")), path.relative_to(TOP)
    found = [f"{name}:{n}: {text!r}" for n, text in docstrings(tree) if HEADLESS.search(text)]
    found += [f"{name}:{n}: {text!r}" for n, text in sentences(tree) if IS_NO.search(text)]
    assert not found, "\n".join(["Name the thing, and write 'is not a' (docs/style.md):", *found])


@pytest.mark.parametrize(
    ("text", "is_wrong"),
    [
        ("Of the metric.", True),
        ("Return a run.\n\n    Args:\n        seed: of the draws.\n", True),
        ("Return a run.\n\n    Args:\n        seed: the seed of the draws.\n", False),
        ("The name of the metric.", False),
    ],
)
def test_a_docstring_without_its_noun_is_found(text: str, is_wrong: bool) -> None:
    assert bool(HEADLESS.search(text)) is is_wrong
    assert IS_NO.search("it is no task")
    assert not IS_NO.search("there is no task, and it is no longer there")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(TOP)))
def test_modules_say_what_they_are_for(path: Path) -> None:
    text = ast.get_docstring(ast.parse(path.read_text("utf-8")))
    assert text, f"{path.relative_to(TOP)}: begin with a sentence on the purpose of the file"


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
