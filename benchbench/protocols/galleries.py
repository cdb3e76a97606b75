"""The candidates of a gallery, and which of them are true of each query."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.errors import ContractError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchbench.embedding import EncodedCaptions
    from benchbench.embedding.outputs import Vectors
    from benchbench.types import Entry, ImageRef


def by_gallery(entries: Sequence[Entry]) -> list[list[int]]:
    """Return the positions of the entries of each gallery, which are searched together.

    Raises:
        ContractError: two galleries have the same name.
    """
    places: dict[str, list[int]] = {}
    for i, entry in enumerate(entries):
        together = places.setdefault(entry.gallery.name, [])
        other = entries[together[0]].gallery if together else entry.gallery
        if other is not entry.gallery and other != entry.gallery:
            raise ContractError(f"Two galleries are called {entry.gallery.name}.")
        together.append(i)
    return list(places.values())


def searching_captions(entry: Entry) -> tuple[str, ...]:
    """Return the captions that search for images on an entry's behalf."""
    return entry.captions if entry.asks is None else entry.asks


def gallery_captions(entries: Sequence[Entry]) -> list[str]:
    """Return the distinct captions that a gallery's images search."""
    of_entries = (text for entry in entries for text in (*entry.captions, *entry.false))
    return list(dict.fromkeys(entries[0].gallery.captions or of_entries))


def gallery_images(entries: Sequence[Entry]) -> list[ImageRef]:
    """Return the distinct images that captions search: none where the gallery is closed."""
    if entries[0].gallery.captions:
        return []
    return list(dict.fromkeys(entry.image for entry in entries))


def caption_vectors(captions: EncodedCaptions, texts: Sequence[str]) -> Vectors:
    """Return the captions' vectors, [texts, dim]; equal token ids get the first one's."""
    first: dict[tuple[int, ...], str] = {}
    return captions.embedded.take([first.setdefault(captions.token_ids[t], t) for t in texts])


def true_captions(entries: Sequence[Entry], texts: Sequence[str]) -> list[list[int]]:
    """Return the columns of each entry's true captions: its own, then the lenient ones.

    Raises:
        ContractError: a caption is not in the gallery's list.
    """
    column = {text: i for i, text in enumerate(texts)}
    return [_columns(entry, column) for entry in entries]


def _columns(entry: Entry, column: Mapping[str, int]) -> list[int]:
    distinct = dict.fromkeys((*entry.captions, *entry.also))
    if missing := [caption for caption in distinct if caption not in column]:
        raise ContractError(
            f"Entry {entry.id}: {missing[0]!r} is not in the list of gallery {entry.gallery.name}."
        )
    return [column[caption] for caption in distinct]


def true_images(
    texts: Sequence[str], entries: Sequence[Entry], refs: Sequence[ImageRef]
) -> list[list[int]]:
    """Return the numbers of the images that each caption is true of."""
    number = {ref: i for i, ref in enumerate(refs)}
    true: dict[str, dict[int, None]] = {text: {} for text in texts}
    for entry in entries:
        for caption in entry.captions:
            true[caption][number[entry.image]] = None
    return [list(true[text]) for text in texts]
