"""The built-in tasks, one file each; they are found by name (``load_task("vg-relation")``), never
imported directly.
"""
