"""Train the structure-aware variants: from a plan to a checkpoint and its card.

Read in this order::

    plan                what a run is
    examples            what a source of training data gives
    stages              from there to a batch, in typed stages, and what a view adds in each
    drawn_world, captions
                        the drawn world as one; captions with words swapped
    photographs         photographs with captions as another
    rendering, views    pixels; further inputs of an example besides its image and caption
    visibility, objects, regions
                        which objects are visible, and ScenarioCLIP's views of them
    masks               where a caption's objects are
    pairs               RelCLIP's view: boxes, related pairs, labels inferred from names alone
    order, batches      the order of examples; batches by number, prepared beside training
    packs, columns, pack_batches
                        examples made once as columns of numbers; batches read from them, also out
                        of a device's own memory
    distributed         several processes that train one model
    passes, loop        how a device computes steps, one by one or recorded; the steps
    validation/         the sets that choose the best checkpoint: sets (by name), structure, facts,
                        scenarios, relations, alignment; storage: drawn once and kept in files
    state, log          how a killed run goes on, and what it wrote down
    running, bundling   from a plan to a checkpoint; from there to bundled weights and their card
"""

from benchbench.training.plan import Plan
from benchbench.training.running import train

__all__ = ["Plan", "train"]
