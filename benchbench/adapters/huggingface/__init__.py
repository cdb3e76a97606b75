"""Checkpoints in transformers' format, for ``hf:``, pair scorers and language models.

Read in this order::

    folder              the files, local or downloaded; code is refused
    weights, lora       weights into a model; adapters of peft merged into them
    towers              how each kind of dual encoder embeds
    checkpoint, checks  model, image processor and tokenizer together; tried on images and captions
"""
