"""Checkpoints in transformers' format: what ``hf:`` is made of."""
