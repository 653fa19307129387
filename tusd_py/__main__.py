"""Runs the command line, as ``tusd-py`` and as ``python -m tusd_py``."""

import signal

from tusd_py.garbage import collect_rarely


def main() -> None:
    """Run the command that the arguments name, and exit."""
    # Ctrl-C while the modules are imported ends the process without a traceback.
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    collect_rarely()
    from tusd_py.cli.main import main as run

    signal.signal(signal.SIGINT, before)
    run()


if __name__ == "__main__":
    main()
