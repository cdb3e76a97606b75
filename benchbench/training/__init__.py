"""Training the structure-aware variants, and what comes of it.

Read in this order::

    plan                what a run is
    examples            what a source of training data gives
    drawn, mixing, swaps
                        the drawn world as one; several splits; captions with words swapped
    photographs         pictures with captions as another
    showing, views      pixels; what is shown besides a caption's picture
    sight, objects, regions, actions
                        what drawn examples show, and ScenarioCLIP's views of it
    masks               where the objects are that a caption names
    pairs               RelCLIP's: boxes, which of them are related, and labels from names alone
    order, feeding      which examples come when; batches by number, prepared beside training
    packing, columns, packed
                        examples made once as columns of numbers; batches read from them, also out
                        of a device's own memory
    distributed         several processes that train one model
    optim, passes, loop
                        the steps; how a device computes them, one by one or recorded
    exams               how the best checkpoint is chosen
    validation, scenarios, relation_exam, alignment_exam
                        by structure; by actions, objects and relations; by ranked relations; by
                        structure with matched regions beside it
    kept_exams          exams made once
    state, log          how a killed run goes on, and what it wrote down
    running             from a plan to a checkpoint
"""

from benchbench.training.plan import Plan
from benchbench.training.running import train

__all__ = ["Plan", "train"]
