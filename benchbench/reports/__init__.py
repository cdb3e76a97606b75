"""Runs to tables."""
