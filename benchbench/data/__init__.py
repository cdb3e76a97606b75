"""Strict readers of the official file formats; an error names the record that violates them."""
