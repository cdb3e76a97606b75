"""Closed word classes: words that are recognised without a tag."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


COLOURS = _words(
    "black white gray grey red orange yellow green blue purple pink brown tan beige gold "
    "silver blond blonde maroon teal turquoise navy"
)
"""The colours that "light" and "dark" combine with."""
NEVER_IN_NAMES = _words(
    "a an the is are was were and or while with that which in on at under over near behind "
    "who there , . ; : ! ?"
)
"""Words that no object's name has in ARO."""
NEVER_IN_RELATIONS = _words("a an is are was were and or while , . ; : ! ?")
"""Words that no relation has in ARO."""
THE_SIDES = _words("left right front back side top bottom middle edge end other center corner")
"""Words after "the" inside a relation: "on the back of"."""
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
POSSESSIVES = _words("his her its their my our your")
AUXILIARIES = _words("is are was were be been being has have had can will")
SINGULAR_VERBS = _words("is was has does")
PLURAL_VERBS = _words("are were have do")
PLURAL_NOUNS = _words("people police cattle")
"""Plurals that a tagger may not know by their form."""
EITHER_NUMBER = _words("sheep deer fish")
"""Nouns whose plural looks like the singular."""
CLAUSE_ENDS = _words(", . ; while as but")
"""Words after which another clause begins, with a subject of its own."""
MEASURES = _words(
    "group groups bunch pair pairs collection couple lot lots number variety piece pieces slice "
    "slices row herd set stack pile flock crowd bunches kind type team pack"
)
"""Words like "group": in "a group of people" the object is "people"."""
IMAGES = _words("picture photo photograph image view shot close-up closeup painting")
"""Words like "picture": in "a picture of a dog" the object is "dog"."""
CLOTHES = _words(
    "shirt shirts t-shirt jacket dress suit coat uniform shorts pants tie hat helmet jeans "
    "wetsuit outfit top vest sweater skirt cap clothes clothing glasses sunglasses gear "
    "hoodie"
)
"""Clothes: a person "in" these wears them."""
