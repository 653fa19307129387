"""Replaces links to files of the repository outside of docs by their paths, for the site."""

import re

_OUT = re.compile(r"\]\((?:\.\./)+([^)]+)\)")
_FOLDER = re.compile(r"\]\((decisions/)\)")


def on_page_markdown(markdown: str, **_: object) -> str:
    """Return ``[text](../deploy/x)`` as text and path, and a folder as its first page."""
    shown = _OUT.sub(lambda found: f"] (`{found[1]}`)", markdown)
    return _FOLDER.sub("](decisions/0001-offset-is-the-files-length.md)", shown)
