"""Find the file that a user names by its id or by the beginning of it.

A name of a file is no id: several files may have one name, and the newest need not be the one that
was meant.
"""

import re
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tusd_py.cli.refusal import refuse
from tusd_py.cli.texts import text

if TYPE_CHECKING:
    from tusd_py.client import Client, UploadResult

SHORT: Final = 8
"""Digits of an id that are shown, and the fewest that name a file."""
_PREFIX: Final = re.compile(r"[0-9a-f]{8,31}")
_ID: Final = re.compile(r"[0-9a-f]{8,32}")

FileId = Annotated[
    str,
    typer.Argument(metavar="ID", help="The id of a file, or its first 8 digits or more (see ls)."),
]


def is_id(given: str) -> bool:
    """Return whether this can be an id or the beginning of one."""
    return _ID.fullmatch(given) is not None


def no_id_text(given: str) -> str:
    """Return that this is no id, and what one is."""
    return text("{id} is no id of a file: it has 32 digits, of which 8 are enough", id=given)


def named_upload(client: "Client", given: str) -> "UploadResult":
    """Return the upload whose id is given, or begins with what is given; exit if it is no id.

    The server is requested only for the beginning of an id. Raises: Refused, Unreachable.
    """
    if not is_id(given):
        refuse(no_id_text(given))
    if _PREFIX.fullmatch(given):
        given = str(client.find(given)["task_id"])
    return client.known_upload(given)
