"""The adapters: a file for each family of models, named by the prefix that users type."""

FAMILIES = (
    "api",
    "api-choice",
    "blind",
    "file",
    "hf",
    "itm",
    "itm-itc",
    "lerp",
    "openclip",
    "python",
    "visualgptscore",
    "vqascore",
)
"""Prefixes: ``itm-itc:…`` is loaded by the ``FAMILY`` of ``itm_itc.py``."""
