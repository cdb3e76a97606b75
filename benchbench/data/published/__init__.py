"""Published figures: what papers, threads and result files print, with where each was read.

::

    figure       a figure and the reader of the files beside it
    sources      the files, by their kind
    vl_compo     the reader of one large table that a user has and the package does not ship
    models.toml  the published models: their names as runs, and what they were trained with
    *.toml       one file a source, made by hand; docs/published.md has the format

Figures are quoted, never measured: reports show them in a block of their own.
"""
