"""One file per task; found by name (``load_task("vg-relation")``), never imported by it."""
