"""A file of weights in, one ``Checkpoint`` out: read, identified, and loaded into its architecture.

Read in this order::

    checkpoint          the record, and the steps to it
    containers, torchscript, hub
                        what a file contains, by its bytes; downloads
    state_dict          which of it are weights; the weights in a model
    identity, architectures, activations
                        what the weights belong to, and the evidence for it
    factory             the model, built on ``meta`` where no weight stays random
    vocabularies, quick_tokens
                        tokenizers: what they know, and open_clip's sooner
    digests             of weights, and of whatever else computes
"""
