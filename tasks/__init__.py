"""The built-in tasks, one file each.

They are found by name (``load_task("vg-relation")``), never imported by it.
"""
