"""Import results that somebody else measured as runs: ``importing.importer.import_results``."""
