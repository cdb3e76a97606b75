"""LaTeX: text from outside as a document shows it, and compiles with any engine.

A sign that pdfLaTeX's default fonts lack is written by its number, ``[U+4E2D]``: a name with it
compiles, and stays distinct from others.
"""

from __future__ import annotations

import re

from benchbench.printable import one_line

SIGNS = {
    "\0": "{}", "\\": "\\textbackslash{}", "&": "\\&", "%": "\\%", "$": "\\$", "#": "\\#",
    "_": "\\_",
    "{": "\\{", "}": "\\}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "–": "--",
    "—": "---", "−": "$-$", "†": "$\\dagger$", "·": "$\\cdot$", "≥": "$\\geq$", "≤": "$\\leq$",
    "±": "$\\pm$", "×": "$\\times$", "→": "$\\rightarrow$", "<": "$<$", ">": "$>$", "|": "$|$",
    "α": "$\\alpha$", "…": "\\ldots{}", "`": "\\textasciigrave{}", '"': "\\symbol{34}",
    "’": "\\textquoteright{}", "‘": "\\textquoteleft{}", "“": "\\textquotedblleft{}",
    "”": "\\textquotedblright{}",
}  # fmt: skip
"""Sign → its command; braces behind words keep the blank that follows."""
LIGATURES = re.compile(r"([-',])(?=\1)")
"""Signs that fonts join where they stand twice: ``--`` would be a dash."""
LATIN = re.compile("[À-ÖØ-öø-ÿ]")
"""Letters that every engine's default fonts have."""


def tex(text: str) -> str:
    """Return text that LaTeX shows as it is, on one line.

    >>> print(tex("50 % of a_b"), tex("x--y"), tex("中"))
    50 \\% of a\\_b x-{}-y [U+4E2D]
    """
    apart = LIGATURES.sub("\\1\0", one_line(text))  # one_line leaves no NUL
    return "".join(_sign(character) for character in apart)


def _sign(character: str) -> str:
    if character in SIGNS:
        return SIGNS[character]
    known = character.isascii() or LATIN.match(character)
    return character if known else f"[U+{ord(character):04X}]"
