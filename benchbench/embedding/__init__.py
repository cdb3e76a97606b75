"""Encode each distinct image, crop and caption of an evaluation once.

Harnesses that go item by item encode a crop again for each of its captions' items, and pad every
caption to the full context length. Here the distinct inputs are listed first. Images are decoded on
worker threads beside the forward pass, a file once for all its crops. Captions of one length share
a batch, so that models that can trim their batches do so. A model that scores pairs gets each
distinct pair once, and encodes each image once for all of its captions. What was encoded is stored
by its content (``store``), for an interrupted evaluation and for every later one.
"""

from benchbench.embedding.batch_size import default_batch_size, within_memory
from benchbench.embedding.captions import EncodedCaptions, encode_captions
from benchbench.embedding.encoder import BlankEncoder, Encoder
from benchbench.embedding.filling import batch_rows
from benchbench.embedding.images import FileLog, encode_images
from benchbench.embedding.outputs import EmbeddingTable
from benchbench.embedding.pairs import PairScores, score_pairs
from benchbench.embedding.shares import Share, SharedEncoder
from benchbench.embedding.spill import Spill
from benchbench.embedding.store import Space, Store
from benchbench.embedding.stored import Origin, Stored, open_store

__all__ = [
    "BlankEncoder",
    "EmbeddingTable",
    "EncodedCaptions",
    "Encoder",
    "FileLog",
    "Origin",
    "PairScores",
    "Share",
    "SharedEncoder",
    "Space",
    "Spill",
    "Store",
    "Stored",
    "batch_rows",
    "default_batch_size",
    "encode_captions",
    "encode_images",
    "open_store",
    "score_pairs",
    "within_memory",
]
