"""Finds the media type of a content by the rules of libmagic, written again in Rust.

It is safe Rust and not the C of ``file``, since it reads hostile files in the server process
(decision 47).
"""

from functools import cache

from pure_magic_rs import MagicDb


def media_type(head: bytes) -> str:
    """Return the media type of a file by its first bytes; '' if the rules can't be applied."""
    try:
        return _database().first_magic_buffer(head).mime_type
    except ValueError:
        return ""
    except BaseException as error:
        # A mistake in the library panics, which is no Exception and must not end a thread.
        if type(error).__name__ != "PanicException":
            raise
        return ""


@cache
def _database() -> MagicDb:
    return MagicDb()
