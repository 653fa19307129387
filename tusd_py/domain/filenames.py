"""Names of files: what their extensions claim, and what downloads are called."""

import unicodedata


def extension_of(filename: str) -> str:
    """Return what follows the last dot, in lower case and without tricks of Unicode; '' if nothing."""
    name = unicodedata.normalize("NFKC", filename)
    _, dot, ext = name.rpartition(".")
    return ext.lower() if dot and ext.isascii() and ext.isalnum() and len(ext) <= 10 else ""
