"""Formats of other projects that runs are exported to: a module with a ``FORMAT`` each.

A new format is a new module here: ``render/exporting.py`` finds it by its name.
"""
