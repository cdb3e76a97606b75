"""Adapters: one file per family of models, named like the prefix of what users type."""

FAMILIES = ("blind", "file", "hf", "itm", "itm-itc", "lerp", "openclip", "python", "vqascore")
"""Prefixes: ``itm-itc:…`` is loaded by the ``FAMILY`` of ``itm_itc.py``."""
