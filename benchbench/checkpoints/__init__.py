"""A file of weights in, one ``Checkpoint`` out: read, identified, and loaded into its architecture.

Read in this order::

    checkpoint          the record, and the steps to it
    containers, torchscript, hub
                        what a file contains, by its bytes; downloads
    state_dict          which of it are weights
    identity, architectures, activations
                        what the weights belong to, and the evidence for it
    factory, weights    the model, built on ``meta``, and the weights in their places
    digests             of weights, and of whatever else computes
"""
