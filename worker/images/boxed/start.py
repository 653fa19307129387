"""Runs one command of this folder in the sandbox: ``python -I -S start.py INSTRUCTIONS``.

The instructions are a JSON object: ``command``, its arguments, and ``modules``, the file of each
module that is not in the standard library. The sandbox contains only these files, not their
folders, so Python can't search for them. The answer is one line of JSON on stdout.
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from types import ModuleType


class NamedFiles(MetaPathFinder):
    """Finds modules by a table of their files."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = files

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002  (by name, whatever the search path is)
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """Return the spec of a module in the table; None for any other module."""
        file = self._files.get(fullname)
        return spec_from_file_location(fullname, file) if file is not None else None


def main(instructions: str) -> None:
    """Run the command that the instructions name."""
    given = json.loads(instructions)
    sys.meta_path.insert(0, NamedFiles(given["modules"]))
    # libvips reads this variable when it is loaded.
    # Each thread needs memory for its part of the picture.
    os.environ["VIPS_CONCURRENCY"] = str(given["threads"])
    from tusd_py.worker.images.boxed.commands import answer

    sys.stdout.write(json.dumps(answer(given)) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
