"""The vocabulary of the drawn world: categories, attributes and predicates.

Names are Visual Genome's (VG150) where VG150 has one. Six categories are COCO's or our own.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Category:
    """A kind of object and its poses."""

    name: str
    plural: str
    level: int
    """The index into ``atlas.EXTENTS`` of an object of ordinary size."""
    poses: tuple[str, ...] = ("stand",)
    """The first is the ordinary pose. Each is a sprite (``tools/sprites.py`` draws them)."""


@dataclass(frozen=True, slots=True)
class Colour:
    """A named colour, and the second colour of its patterns."""

    name: str
    rgb: tuple[int, int, int]
    second: str


@dataclass(frozen=True, slots=True)
class Predicate:
    """A relation, with its name in annotations and captions."""

    name: str
    """The words after "the X is": VG150's name where it has one."""
    inverse: str | None = None
    """The predicate that then holds from object to subject. A symmetric predicate is its own
    inverse."""
    implies: tuple[str, ...] = ()
    """Hypernyms: the predicates that also hold from subject to object."""

    @property
    def symmetric(self) -> bool:
        """Return whether the predicate holds in both directions or in neither."""
        return self.inverse == self.name


MOVES, RESTS = ("stand", "run"), ("stand", "run", "lie")
SIDES, LEANS = ("stand", "front"), ("upright", "tilted")
PEOPLE = ("stand", "run", "hold", "carry", "reach", "ride", "sit", "balance", "play")

CATEGORIES: tuple[Category, ...] = (
    Category("person", "people", 9, PEOPLE),
    Category("dog", "dogs", 7, RESTS),
    Category("cat", "cats", 7, RESTS),
    Category("horse", "horses", 9, MOVES),
    Category("cow", "cows", 9, MOVES),
    Category("sheep", "sheep", 8, MOVES),
    Category("elephant", "elephants", 10, MOVES),
    Category("giraffe", "giraffes", 10, MOVES),
    Category("bird", "birds", 6, MOVES),
    Category("car", "cars", 9),
    Category("bus", "buses", 10),
    Category("truck", "trucks", 10),
    Category("train", "trains", 10),
    Category("bike", "bikes", 8),
    Category("motorcycle", "motorcycles", 9),
    Category("boat", "boats", 9, SIDES),
    Category("airplane", "airplanes", 9),
    Category(
        "skateboard",
        "skateboards",
        7,
        ("stand", *LEANS),
    ),
    Category(
        "surfboard",
        "surfboards",
        8,
        ("stand", *LEANS),
    ),
    Category("cart", "carts", 8, SIDES),
    Category("sled", "sleds", 8),
    Category("table", "tables", 9),
    Category("chair", "chairs", 8),
    Category("bench", "benches", 9),
    Category("bed", "beds", 10),
    Category("lamp", "lamps", 9, LEANS),
    Category("clock", "clocks", 5),
    Category("sign", "signs", 7, LEANS),
    Category("fence", "fences", 9),
    Category("house", "houses", 10),
    Category("tree", "trees", 10),
    Category("flower", "flowers", 6),
    Category("rock", "rocks", 6),
    Category("kite", "kites", 7),
    Category("umbrella", "umbrellas", 8),
    Category("guitar", "guitars", 8, LEANS),
    Category("cup", "cups", 5, SIDES),
    Category("bottle", "bottles", 6),
    Category("bowl", "bowls", 6, SIDES),
    Category("book", "books", 6),
    Category("box", "boxes", 6, SIDES),
    Category("bag", "bags", 6, SIDES),
    Category("ball", "balls", 4),
    Category("hat", "hats", 5),
    Category("pizza", "pizzas", 6),
    Category("cake", "cakes", 6),
    Category("apple", "apples", 4),
    Category("banana", "bananas", 5),
    Category("laptop", "laptops", 7),
    Category("phone", "phones", 5),
    Category("vase", "vases", 6),
)

COLOURS: tuple[Colour, ...] = (
    Colour("red", (216, 38, 38), "white"),
    Colour("orange", (246, 132, 16), "black"),
    Colour("yellow", (250, 218, 44), "black"),
    Colour("green", (40, 158, 66), "white"),
    Colour("blue", (36, 88, 216), "white"),
    Colour("purple", (132, 52, 178), "white"),
    Colour("pink", (252, 142, 192), "black"),
    Colour("brown", (134, 84, 42), "white"),
    Colour("black", (44, 44, 50), "white"),
    Colour("white", (248, 248, 248), "black"),
    Colour("gray", (142, 144, 150), "black"),
)

PATTERNS: tuple[str, ...] = ("plain", "striped", "spotted", "checkered")
"""The patterns; ``plain`` is never mentioned."""

SIZES: tuple[str, ...] = ("medium", "small", "large")
"""The sizes; ``medium`` is never mentioned."""

MENTIONED: tuple[str, ...] = (*(colour.name for colour in COLOURS), *PATTERNS[1:])
"""The attributes of items. Size is left out, since a crop does not preserve it."""

PREDICATES: tuple[Predicate, ...] = (
    Predicate("to the left of", "to the right of"),
    Predicate("to the right of", "to the left of"),
    Predicate("above", "under"),
    Predicate("under", "above"),
    Predicate("in front of", "behind"),
    Predicate("behind", "in front of"),
    Predicate("on", "under", ("above",)),
    Predicate("in"),
    Predicate("riding", "carrying", ("on", "above")),
    Predicate("carrying"),
    Predicate("chasing", None, ("looking at",)),
    Predicate("looking at"),
    Predicate("pulling"),
    Predicate("leaning on", None, ("near",)),
    Predicate("near", "near"),
    Predicate("wearing"),
    Predicate("holding"),
    Predicate("sitting on", "under", ("on", "above")),
    Predicate("standing on", "under", ("on", "above")),
    Predicate("lying on", "under", ("on", "above")),
    Predicate("playing", None, ("holding",)),
    Predicate("using", None, ("looking at",)),
    Predicate("over", "under", ("above",)),
)

CATEGORY = {category.name: i for i, category in enumerate(CATEGORIES)}
COLOUR = {colour.name: i for i, colour in enumerate(COLOURS)}
PREDICATE = {predicate.name: i for i, predicate in enumerate(PREDICATES)}
MENTION = {name: i for i, name in enumerate(MENTIONED)}

PROPS = ("rope", "string")
SPRITES: tuple[tuple[str, str], ...] = (
    *((category.name, pose) for category in CATEGORIES for pose in category.poses),
    *((prop, "stand") for prop in PROPS),
)
"""(category, pose) of every sprite, in the asset's order."""
SPRITE = {sprite: number for number, sprite in enumerate(SPRITES)}
