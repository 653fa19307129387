"""``python -m tusd_py``: the command line."""

from tusd_py.cli.main import main

main()
