"""A drawn world with exact scene graphs: a data set that needs no download.

Read in this order::

    vocabulary          categories, attributes, predicates
    shapes, sprites     vector shapes; the drawings made of them, an asset (tools/sprites.py)
    atlas, backgrounds  drawings and places as texels, at the sizes of one canvas
    scenario, templates, swappable_scenarios, outdoor_scenarios, everyday_scenarios
                        the kinds of scene: their roles, poses and relations
    holdout             the attribute pairs and triples that the training split leaves out
    dice, casting, placement, bystanders, appearance, annotation, sampling
                        from a split and scene numbers to scenes, a batch at a time
    world, records      scenes as arrays, and as plain records with their digest
    drawing, drawing_torch, visibility
                        pixels (the same on every device), masks and boxes
    geometry, graph     the facts of a scene, and the arguable statements about it
    lexicon, captions   captions with their part-of-speech tags
    items, blind        items in ARO's two forms, and the proof that text alone cannot solve them
    balance             an equal number of items of every relation and pair of attributes
    gallery             a contact sheet
    edition/            a test edition in the official files' formats

Importing this package loads none of them: ``from benchbench.scenes.sampling import sample``.
"""
