"""Split English text into word tokens, by the Penn Treebank's rules as NLTK has them.

The trigrams of ARO's shuffles are runs of the tokens of ``nltk.word_tokenize``. Its rules for words
are implemented here (``NLTKWordTokenizer``, after Robert MacIntyre's sed script for the Penn
Treebank, 1995). Its rule for sentences is a trained model that needs a download. Here a sentence
ends at white space after ``.``, ``?`` or ``!``, unless the full stop is an initial's. That only
decides where a full stop is a token of its own.

NLTK itself is not used at run time: the frozen shuffles must be equal to the bit on every machine,
offline and by default, and another release of NLTK could move a token. The tests compare every rule
with NLTK's own tokenizer, on generated text and on COCO's 25,010 captions.
"""

from __future__ import annotations

import re

_SENTENCE_END = re.compile(r"(?<=[.?!])(?<!\b[A-Z]\.)\s+")
_RULES = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        # opening quotes
        (r"([«“‘„]|[`]+)", r" \1 "),
        (r"^\"", "``"),
        (r"(``)", r" \1 "),
        (r"([ \(\[{<])(\"|\'{2})", r"\1 `` "),
        (r"(?i)(?<!\w)(\')(?!(?:re|ve|ll|m|t|s|d|n)\b)(?=\w)", r"\1 "),
        # punctuation; only the last full stop is a token
        (r"([^\.])(\.)([\]\)}>\"'»”’ ]*)\s*$", r"\1 \2 \3 "),
        (r"([:,])([^\d])", r" \1 \2"),
        (r"([:,])$", r" \1 "),
        (r"\.{2,}", r" \g<0> "),
        (r"[;@#$%&]", r" \g<0> "),
        ("[\u2012-\u2015]", r" \g<0> "),
        (r"([^\.])(\.)([\]\)}>\"']*)\s*$", r"\1 \2\3 "),
        (r"[?!]", r" \g<0> "),
        (r"([^'])' ", r"\1 ' "),
        (r"[*]", r" \g<0> "),
        (r"[\]\[\(\)\{\}\<\>]", r" \g<0> "),
        (r"--", " -- "),
        (r"\A|\Z", " "),
        # closing quotes, and endings after an apostrophe
        (r"([»”’])", r" \1 "),
        (r"''", " '' "),
        (r'"', " '' "),
        (r"\s+", " "),
        (r"([^' ])('[sS]|'[mM]|'[dD]|') ", r"\1 \2 "),
        (r"([^' ])('ll|'LL|'re|'RE|'ve|'VE|n't|N'T) ", r"\1 \2 "),
        # contractions written as one word
        (r"(?i)\b(can)(not)\b", r" \1 \2 "),
        (r"(?i)\b(d)('ye)\b", r" \1 \2 "),
        (r"(?i)\b(gim)(me)\b", r" \1 \2 "),
        (r"(?i)\b(gon)(na)\b", r" \1 \2 "),
        (r"(?i)\b(got)(ta)\b", r" \1 \2 "),
        (r"(?i)\b(lem)(me)\b", r" \1 \2 "),
        (r"(?i)\b(more)('n)\b", r" \1 \2 "),
        (r"(?i)\b(wan)(na)(?=\s)", r" \1 \2 "),
        (r"(?i) ('t)(is)\b", r" \1 \2 "),
        (r"(?i) ('t)(was)\b", r" \1 \2 "),
    )
)


def word_tokens(text: str) -> list[str]:
    """Return the word tokens of a text, sentence by sentence.

    >>> word_tokens("It isn't a dog's. Two men, one bike!")
    ['It', 'is', "n't", 'a', 'dog', "'s", '.', 'Two', 'men', ',', 'one', 'bike', '!']
    """
    return [token for part in _SENTENCE_END.split(text) for token in _sentence_tokens(part)]


def _sentence_tokens(sentence: str) -> list[str]:
    for pattern, replacement in _RULES:
        sentence = pattern.sub(replacement, sentence)
    return sentence.split()
