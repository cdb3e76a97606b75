"""Encode each distinct image, crop and caption of an evaluation once.

Harnesses that go item by item encode a crop again for each of its captions' items, and pad every
caption to the full context length. Here the distinct inputs are listed first. Images are decoded on
worker threads beside the forward pass, a file once for all its crops. Captions are sorted by
length, so that models that can trim their batches do so. A model that scores pairs gets each
distinct pair once, and encodes each image once for all of its captions.
"""

from benchbench.embedding.captions import EncodedCaptions, encode_captions
from benchbench.embedding.encoder import BlankEncoder, Encoder
from benchbench.embedding.encoding_cache import EncodingCache
from benchbench.embedding.images import FileLog, encode_images
from benchbench.embedding.outputs import EmbeddingTable
from benchbench.embedding.pairs import PairScores, score_pairs

__all__ = [
    "BlankEncoder",
    "EmbeddingTable",
    "EncodedCaptions",
    "Encoder",
    "EncodingCache",
    "FileLog",
    "PairScores",
    "encode_captions",
    "encode_images",
    "score_pairs",
]
