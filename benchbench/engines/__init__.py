"""A table of models and tasks, shared by several workers.

``planning`` writes a plan: what is to be evaluated, with the digests of all inputs. ``working``
runs one worker's share of it, ``merging`` writes the runs of models that several workers shared,
``completion`` says what is left. ``local`` and ``slurm`` start workers; whatever starts them, each
runs the same ``work``.
"""
