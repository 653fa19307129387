"""Getting a file back: where to go on, and what answers mean. Nothing here reads or waits."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from tusd_py.client.errors import Refused
from tusd_py.client.plan import Answer

_EXTENDED: Final = re.compile(r"filename\*=UTF-8''([^;\s]+)", re.IGNORECASE)
PARTIAL: Final = ".part"
"""Behind the name of a file that is not whole yet."""


@dataclass(slots=True)
class Fetch:
    """One file on its way to ``target``."""

    target: Path
    total: int | None = None
    """Bytes, once they are known."""
    _validator: str = ""

    @property
    def part(self) -> Path:
        """Where its bytes are kept until they are all here."""
        return self.target.with_name(self.target.name + PARTIAL)

    def headers(self) -> dict[str, str]:
        """Of the next request: from the first byte that is missing. Raises: OSError."""
        held = self.held()
        # Only what this run has begun: an older part may be of another file.
        return {"Range": f"bytes={held}-"} if held and self._validator else {}

    def held(self) -> int:
        """Bytes that are here. Raises: OSError."""
        if self.target.is_dir():
            return 0  # its name is not known yet
        try:
            return self.part.stat().st_size
        except FileNotFoundError:
            return 0

    def begins(self, answer: Answer, sentence_of: Callable[[Answer], str]) -> int:
        """An answer has come: the offset that its body begins at. Raises: Refused."""
        if answer.status not in (200, 206):
            raise Refused(sentence_of(answer))
        if self.target.is_dir():
            self.target /= name_in(answer.headers.get("content-disposition", "")) or "file"
        self._validator = answer.headers.get("etag", "")
        at = self.held() if answer.status == 206 else 0
        length = answer.headers.get("content-length", "")
        self.total = at + int(length) if length.isdecimal() else None
        return at

    def whole(self) -> bool:
        """Whether nothing is missing, as far as that was told."""
        return self.total is None or self.held() == self.total

    def finish(self) -> None:
        """All of it is here. Raises: OSError."""
        self.part.replace(self.target)


def name_in(disposition: str) -> str:
    """The last part of the file name in a Content-Disposition; '' if there is none: never a path."""
    message = Message()
    message["Content-Disposition"] = disposition
    # RFC 6266, 4.3: the extended form goes before the plain one.
    extended = _EXTENDED.search(disposition)
    found = unquote(extended[1]) if extended else message.get_filename() or ""
    return "" if found in (".", "..") else Path(found.replace("\\", "/")).name
