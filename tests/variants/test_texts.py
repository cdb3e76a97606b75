from __future__ import annotations

import pickle

import open_clip
import pytest

from benchbench.scenegraph import MAX_TRIPLES
from benchbench.variants import towers
from benchbench.variants.texts import CaptionReader


@pytest.fixture(scope="module")
def reader() -> CaptionReader:
    towers.register()
    return CaptionReader(open_clip.get_tokenizer(towers.NAME), with_triples=True)


def test_ids_are_open_clips(reader: CaptionReader) -> None:
    captions = ["a red dog", "a person in a striped shirt riding a horse on the beach"]
    wanted = reader.tokenizer(captions)
    ids = reader.read(captions).ids
    assert ids.tolist() == wanted[:, : ids.shape[1]].tolist()
    assert not wanted[:, ids.shape[1] :].any()


def test_a_long_caption_keeps_its_end_of_text(reader: CaptionReader) -> None:
    ids = reader.read(["dog " * 200]).ids
    assert ids.shape[1] == reader.tokenizer.context_length
    assert ids[0, -1] == reader.tokenizer.eot_token_id
    assert len(reader.ids("dog " * 200)) == 202


def test_triples_are_the_captions_own_and_said_one_way_round(reader: CaptionReader) -> None:
    texts = reader.read(["a dog to the right of a cat", "a cat to the left of a dog", "hello"])
    assert texts.triples is not None
    assert texts.triples.shape[:3] == (3, MAX_TRIPLES, 3)
    assert texts.triples[0].equal(texts.triples[1])
    assert not texts.triples[2].any()
    head = [each - 1 for each in texts.triples[0, 0, 0].tolist() if each]
    assert reader.tokenizer.decode(head).strip() == "cat"


def test_a_reader_travels_to_another_process(reader: CaptionReader) -> None:
    other = pickle.loads(pickle.dumps(reader))
    assert other.read(["a red dog"]).triples.equal(reader.read(["a red dog"]).triples)
