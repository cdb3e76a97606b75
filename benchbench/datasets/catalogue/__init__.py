"""The data sets, one file each. They are found by name, never imported by it.

Sizes and digests are the publishers', or were taken from copies of the named commit; where neither
is known, a ``Content`` check stands in their place. No digest here is a guess.
"""
