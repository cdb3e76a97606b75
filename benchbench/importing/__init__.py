"""Import of published results as runs: ``importing.importer.import_results``."""
