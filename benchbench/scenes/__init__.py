"""A drawn world."""
