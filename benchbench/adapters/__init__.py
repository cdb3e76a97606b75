"""Adapters: one file per family, found by the prefix of a specification (``openclip:…``)."""
