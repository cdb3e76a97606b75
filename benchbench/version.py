"""The version, on its own, so that packaging reads it without importing the package."""

VERSION = "0.1.0.dev0"
