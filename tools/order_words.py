"""Write the list of COCO's words: `python -m tools.order_words coco_karpathy_test.json`.

Needs HanTa 1.2.1. The kinds of 25,010 captions' words go to ``benchbench/data/lists``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchbench.data.karpathy import captions_digest, read_captions
from benchbench.data.order_words import LIST, words_file
from benchbench.data.tagging import find_tagger


def main() -> None:
    """Tag the captions and write the list."""
    source = Path(sys.argv[1])
    tagger = find_tagger("hanta")
    captions = [tagger.tag(text) for _, texts in read_captions(source) for text in texts]
    content = words_file(tagger.name, source.name, captions_digest(source), captions)
    path = Path(__file__).parents[1] / "benchbench" / "data" / "lists" / LIST
    path.write_bytes(content)
    sys.stdout.write(f"{path}: {len(captions):,} captions, {len(content):,} bytes\n")


if __name__ == "__main__":
    main()
