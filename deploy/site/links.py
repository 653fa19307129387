"""Links out of docs lead to files of the repository, which are no pages: the site shows their place."""

import re

_OUT = re.compile(r"\]\((?:\.\./)+([^)]+)\)")
_FOLDER = re.compile(r"\]\((decisions/)\)")


def on_page_markdown(markdown: str, **_: object) -> str:
    """``[text](../deploy/x)`` becomes text and place; a folder becomes its first page."""
    shown = _OUT.sub(lambda found: f"] (`{found[1]}`)", markdown)
    return _FOLDER.sub("](decisions/0001-offset-is-the-files-length.md)", shown)
