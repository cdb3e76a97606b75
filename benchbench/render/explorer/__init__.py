"""Runs as a folder of pages for a browser: board, groups, items, models.

``report.py`` gathers the results and writes the folder; ``columns.py`` encodes arrays as scripts,
``images.py`` names or copies the image files, ``page.py`` fills the template. The pages need no
server: data are scripts that assign to one global, loaded when they are needed.
"""
