"""Runs the command line as ``python -m tusd_py``."""

from tusd_py.cli.main import main

main()
