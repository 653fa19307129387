"""Reads a picture's orientation, date and presence of a location from its EXIF and XMP."""

import re
from typing import Final

from PIL import Image
from PIL.ExifTags import IFD, Base

_PREFIX: Final = b"Exif\x00\x00"
_DATE: Final = re.compile(r"(\d{4}):(\d\d):(\d\d)[ T](\d\d):(\d\d):(\d\d)")
_OFFSET: Final = re.compile(r"[+-]\d\d:\d\d")


class Tags:
    """Holds facts of a picture's EXIF (CIPA DC-008) and XMP (ISO 16684-1).

    Args: turned: whether the decoder has already turned the pixels, by another mark than EXIF's.
    """

    def __init__(self, exif: bytes, xmp: bytes, *, turned: bool = False) -> None:
        self.any = bool(exif or xmp)
        self.orientation = 1
        self.taken: str | None = None
        self.has_location = b"GPS" in xmp
        try:
            self._read(exif, turned=turned)
        except Exception:  # noqa: BLE001  (hostile tags may raise anything; the pixels stay usable)
            return

    def _read(self, blob: bytes, *, turned: bool) -> None:
        if not blob:
            return
        exif = Image.Exif()
        exif.load(blob if blob.startswith(_PREFIX) else _PREFIX + blob)
        orientation = exif.get(Base.Orientation)
        if not turned and isinstance(orientation, int) and 1 <= orientation <= 8:
            self.orientation = orientation
        self.has_location = self.has_location or bool(exif.get_ifd(IFD.GPSInfo))
        details = exif.get_ifd(IFD.Exif)
        self.taken = _date(details.get(Base.DateTimeOriginal), details.get(Base.OffsetTimeOriginal))


def _date(text: object, offset: object) -> str | None:
    """Return a date in ISO 8601, with the offset from UTC if the camera wrote one."""
    match = _DATE.match(str(text))
    if match is None or match[1] == "0000":
        return None
    year, month, day, hour, minute, second = match.groups()
    zone = _OFFSET.match(str(offset))
    return f"{year}-{month}-{day}T{hour}:{minute}:{second}{zone[0] if zone else ''}"
