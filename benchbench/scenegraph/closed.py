"""Closed classes: words that are known by themselves, without a tag."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


COLOURS = _words(
    "black white gray grey red orange yellow green blue purple pink brown tan beige gold "
    "silver blond blonde maroon teal turquoise navy"
)
"""What "light" and "dark" go with."""
NEVER_IN_NAMES = _words(
    "a an the is are was were and or while with that which in on at under over near behind "
    "who there , . ; : ! ?"
)
"""What no object of ARO's has in its name."""
NEVER_IN_RELATIONS = _words("a an is are was were and or while , . ; : ! ?")
"""What no relation of ARO's has in it."""
THE_SIDES = _words("left right front back side top bottom middle edge end other center corner")
"""What "the" may stand before inside a relation: "on the back of"."""
DETERMINERS = _words(
    "a an the one this that these those his her its their my our your some another each every two "
    "three four five six seven eight nine ten several many both"
)
PREPOSITIONS = _words(
    "about above across against along alongside among around at atop before behind below "
    "beneath beside between beyond by down for from in inside into near off on onto opposite "
    "out outside over past through to toward towards under underneath up upon with within "
    "without of"
)
AUXILIARIES = _words("is are was were be been being has have had can will")
MEASURES = _words(
    "group groups bunch pair pairs collection couple lot lots number variety piece pieces slice "
    "slices row herd set stack pile flock crowd bunches kind type team pack"
)
""""a group of people" is people."""
PICTURES = _words("picture photo photograph image view shot close-up closeup painting")
""""a picture of a dog" is a dog."""
CLOTHES = _words(
    "shirt shirts t-shirt jacket dress suit coat uniform shorts pants tie hat helmet jeans "
    "wetsuit outfit top vest sweater skirt cap clothes clothing glasses sunglasses gear "
    "hoodie"
)
"""Whoever is "in" these wears them."""
