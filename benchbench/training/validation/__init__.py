"""Validation sets for models in training: a file for each kind of variant.

``sets`` names them, ``storage`` keeps the drawn ones in files. None shows a scene of the test
split.
"""
