"""Run the command line as ``python -m benchbench``."""

from benchbench.cli import main

main()
