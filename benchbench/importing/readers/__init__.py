"""Readers of published results: each module is one, named like its file, with a ``READER``."""
