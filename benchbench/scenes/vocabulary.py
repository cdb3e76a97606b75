"""The vocabulary of the drawn world: categories, attributes and predicates.

Names are Visual Genome's (VG150) where VG150 has one. Six categories are COCO's or our own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from benchbench.scenes.art import animals, furniture, people, things, vehicles
from benchbench.scenes.art.drawing import Drawing, tilt

Artist = Callable[[], Drawing]


@dataclass(frozen=True, slots=True)
class Category:
    """A kind of object and its drawings."""

    name: str
    plural: str
    level: int
    """The index into ``atlas.EXTENTS`` of an object of ordinary size."""
    poses: dict[str, Artist] = field(hash=False)
    """Pose → artist; the first is the ordinary pose."""


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


def _animal(name: str, plural: str, level: int, artist: Callable[..., Drawing]) -> Category:
    poses: dict[str, Artist] = {"stand": artist, "run": partial(artist, True)}
    if name in ("dog", "cat"):
        poses["lie"] = partial(artist, lying=True)
    return Category(name, plural, level, poses)


def _container(artist: Callable[[bool], Drawing]) -> dict[str, Artist]:
    return {"stand": partial(artist, False), "front": partial(artist, True)}


def _leaner(artist: Artist) -> dict[str, Artist]:
    return {"upright": artist, "tilted": lambda: tilt(artist(), 17.0)}


PEOPLE: dict[str, Artist] = {
    "stand": people.stand,
    "run": people.run,
    "hold": people.hold,
    "carry": people.carry,
    "reach": people.reach,
    "ride": people.ride,
    "sit": people.sit,
    "balance": people.balance,
    "play": people.play,
}

CATEGORIES: tuple[Category, ...] = (
    Category("person", "people", 9, PEOPLE),
    _animal("dog", "dogs", 7, animals.dog),
    _animal("cat", "cats", 7, animals.cat),
    _animal("horse", "horses", 9, animals.horse),
    _animal("cow", "cows", 9, animals.cow),
    _animal("sheep", "sheep", 8, animals.sheep),
    _animal("elephant", "elephants", 10, animals.elephant),
    _animal("giraffe", "giraffes", 10, animals.giraffe),
    _animal("bird", "birds", 6, animals.bird),
    Category("car", "cars", 9, {"stand": vehicles.car}),
    Category("bus", "buses", 10, {"stand": vehicles.bus}),
    Category("truck", "trucks", 10, {"stand": vehicles.truck}),
    Category("train", "trains", 10, {"stand": vehicles.train}),
    Category("bike", "bikes", 8, {"stand": vehicles.bike}),
    Category("motorcycle", "motorcycles", 9, {"stand": vehicles.motorcycle}),
    Category("boat", "boats", 9, _container(vehicles.boat)),
    Category("airplane", "airplanes", 9, {"stand": vehicles.airplane}),
    Category(
        "skateboard",
        "skateboards",
        7,
        {"stand": vehicles.skateboard} | _leaner(vehicles.skateboard_upright),
    ),
    Category(
        "surfboard",
        "surfboards",
        8,
        {"stand": vehicles.surfboard} | _leaner(vehicles.surfboard_upright),
    ),
    Category("cart", "carts", 8, _container(vehicles.cart)),
    Category("sled", "sleds", 8, {"stand": vehicles.sled}),
    Category("table", "tables", 9, {"stand": furniture.table}),
    Category("chair", "chairs", 8, {"stand": furniture.chair}),
    Category("bench", "benches", 9, {"stand": furniture.bench}),
    Category("bed", "beds", 10, {"stand": furniture.bed}),
    Category("lamp", "lamps", 9, _leaner(furniture.lamp)),
    Category("clock", "clocks", 5, {"stand": furniture.clock}),
    Category("sign", "signs", 7, _leaner(furniture.sign)),
    Category("fence", "fences", 9, {"stand": furniture.fence}),
    Category("house", "houses", 10, {"stand": furniture.house}),
    Category("tree", "trees", 10, {"stand": furniture.tree}),
    Category("flower", "flowers", 6, {"stand": furniture.flower}),
    Category("rock", "rocks", 6, {"stand": furniture.rock}),
    Category("kite", "kites", 7, {"stand": furniture.kite}),
    Category("umbrella", "umbrellas", 8, {"stand": furniture.umbrella}),
    Category("guitar", "guitars", 8, _leaner(furniture.guitar)),
    Category("cup", "cups", 5, _container(things.cup)),
    Category("bottle", "bottles", 6, {"stand": things.bottle}),
    Category("bowl", "bowls", 6, _container(things.bowl)),
    Category("book", "books", 6, {"stand": things.book}),
    Category("box", "boxes", 6, _container(things.box)),
    Category("bag", "bags", 6, _container(things.bag)),
    Category("ball", "balls", 4, {"stand": things.ball}),
    Category("hat", "hats", 5, {"stand": things.hat}),
    Category("pizza", "pizzas", 6, {"stand": things.pizza}),
    Category("cake", "cakes", 6, {"stand": things.cake}),
    Category("apple", "apples", 4, {"stand": things.apple}),
    Category("banana", "bananas", 5, {"stand": things.banana}),
    Category("laptop", "laptops", 7, {"stand": things.laptop}),
    Category("phone", "phones", 5, {"stand": things.phone}),
    Category("vase", "vases", 6, {"stand": things.vase}),
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

SPRITE: dict[tuple[str, str], int] = {}
"""(category, pose) → the sprite's number in the atlas."""
ARTISTS: list[Artist] = []
for _category in CATEGORIES:
    for _pose, _artist in _category.poses.items():
        SPRITE[_category.name, _pose] = len(ARTISTS)
        ARTISTS.append(_artist)
for _prop, _artist in (("rope", things.rope), ("string", things.string)):
    SPRITE[_prop, "stand"] = len(ARTISTS)
    ARTISTS.append(_artist)
