"""Every distinct image, crop and caption is encoded once.

Harnesses that walk item by item encode a crop again for each of its captions' items, and pad
every caption to the full context. Here the distinct inputs are listed first; pictures are decoded
on worker threads beside the forward pass, a file once for all its crops; captions go through
sorted by length, so that a model that can trim its batches does. A model that scores pairs is shown
each distinct pair once, and encodes each picture once for all of its captions.
"""

from benchbench.embedding.captions import Captions, encode_captions
from benchbench.embedding.embedded import Embedded
from benchbench.embedding.encoder import Encoder
from benchbench.embedding.pairs import Scored, score_pairs
from benchbench.embedding.pictures import Pictures, encode_pictures
from benchbench.embedding.unfinished import Unfinished

__all__ = [
    "Captions",
    "Embedded",
    "Encoder",
    "Pictures",
    "Scored",
    "Unfinished",
    "encode_captions",
    "encode_pictures",
    "score_pairs",
]
