"""Measure what libraries find in the corpus, and how long they take: see README.md.

``right``: the answer names a media type or an extension of the file. ``general``: it names only
what the file is made of (a ZIP archive, a text). ``unknown``: there is no answer. ``wrong``: any
other answer.
"""

import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from file_types.corpus import Entry, entries

from tusd_py.domain.filetypes import FileType
from tusd_py.domain.other_types import COMPOUND, TEXT
from tusd_py.domain.signatures.head_reader import HEAD_BYTES, is_text
from tusd_py.domain.signatures.identify import identify
from tusd_py.domain.signatures.libmagic import media_type
from tusd_py.domain.signatures.recognise import recognise

Answer = tuple[str, frozenset[str]]
"""A media type, and extensions without the dot."""
_GENERAL: Final = {
    b"PK": ("application/zip",),
    b"\xd0\xcf\x11\xe0": (
        "application/x-ole-storage",
        "application/cdfv2",
        "application/encrypted",
    ),
    b"\x1f\x8b": ("application/gzip", "application/x-gzip"),
    b"OggS": ("application/ogg",),
    b"II": ("image/tiff",),
    b"MM": ("image/tiff",),
    b"SQLite": ("application/vnd.sqlite3", "application/x-sqlite3"),
    b"\xfd7zXZ": ("application/x-xz",),
}
"""Types of what files of many kinds are made of, by the first bytes of these files."""
_TEXTS: Final = tuple(
    f"application/{name}"
    for name in [
        "postscript",
        "rtf",
        "x-subrip",
        "mbox",
        "sql",
        "toml",
        "yaml",
        "x-sh",
        "x-bat",
        "x-tex",
        "x-httpd-php",
        "x-cue",
        "pgp-encrypted",
        "x-pem-file",
        "step",
        "x-ndjson",
    ]
)
"""Types of texts that are named as applications."""
_OTHER_NAMES: Final = {
    "audio/x-hx-aac-adts": "aac", "audio/vnd.dolby.dd-raw": "ac3", "image/heif-sequence": "heif",
    "image/x-eps": "eps", "application/x-ima": "img", "application/x-bytecode.python": "pyc",
    "image/x-x3f": "x3f", "application/x-sharedlib": "elf", "video/mpeg4-generic": "m4v",
    "video/x-jng": "jng", "application/x-executable": "o", "audio/x-m4a": "m4b",
    "video/x-ms-asf": "asf", "video/x-ms-wmv": "wma",
}  # fmt: skip
"""Media types of libraries that are right, though no client declares them, and an extension."""


def _verdict(entry: Entry, answer: Answer) -> str:
    name, extensions = answer[0].lower(), set(answer[1])
    if name in ("", "application/octet-stream") and not extensions:
        return "unknown"
    extensions.add(_OTHER_NAMES.get(name, ""))
    if extensions & set(entry.extensions) or _plain(name) in map(_plain, entry.declared):
        return "right"
    begins = (general for start, general in _GENERAL.items() if entry.kept.startswith(start))
    if any(name in general for general in begins):
        return "general"
    is_text_file = _is_of_text(entry.declared[0]) or is_text(entry.kept[:HEAD_BYTES])
    return "general" if _is_of_text(name) and is_text_file else "wrong"


def _plain(name: str) -> str:
    return name.replace("/x-", "/").replace("/vnd.", "/")


def _is_of_text(name: str) -> bool:
    return (
        name.startswith("text/")
        or name.endswith(("+xml", "/xml", "json", "javascript", "x-empty"))
        or name in _TEXTS
    )


def _old() -> Callable[[Entry], Answer]:
    def answer(entry: Entry) -> Answer:
        found = identify(entry.look())
        return ("", frozenset()) if found is None else (found.mime, frozenset(found.extensions))

    return answer


def _as_adopted() -> Callable[[Entry], Answer]:
    def answer(entry: Entry) -> Answer:
        found = recognise(entry.look())
        if found is TEXT:
            return "text/plain", frozenset()
        if found is COMPOUND:
            return "application/x-ole-storage", frozenset()
        if found is None:
            return "", frozenset()
        if isinstance(found, FileType):
            return found.mime, frozenset(found.extensions)
        return media_type(entry.kept[:HEAD_BYTES]), frozenset(found.extensions)

    return answer


def _magic() -> Callable[[Entry], Answer]:
    import magic

    types, names = magic.Magic(mime=True), magic.Magic(extension=True)

    def answer(entry: Entry) -> Answer:
        head = entry.kept[:HEAD_BYTES]
        return types.from_buffer(head), frozenset(names.from_buffer(head).split("/")) - {"???"}

    return answer


def _pure_magic_rs() -> Callable[[Entry], Answer]:
    from pure_magic_rs import MagicDb

    database = MagicDb()

    def answer(entry: Entry) -> Answer:
        found = database.first_magic_buffer(entry.kept[:HEAD_BYTES])
        return found.mime_type, frozenset(found.extensions)

    return answer


def _puremagic() -> Callable[[Entry], Answer]:
    import puremagic

    def answer(entry: Entry) -> Answer:
        try:
            found = puremagic.magic_string(entry.kept[:HEAD_BYTES])
        except (puremagic.PureError, ValueError):
            return "", frozenset()
        best = found[0] if found else None
        if best is None:
            return "", frozenset()
        return best.mime_type, frozenset({best.extension.lstrip(".")} - {""})

    return answer


def _filetype() -> Callable[[Entry], Answer]:
    import filetype

    def answer(entry: Entry) -> Answer:
        found = filetype.guess(entry.kept[:HEAD_BYTES])
        return ("", frozenset()) if found is None else (found.mime, frozenset({found.extension}))

    return answer


def _magika() -> Callable[[Entry], Answer]:
    from magika import Magika

    model = Magika()

    def answer(entry: Entry) -> Answer:
        found = model.identify_bytes(entry.content)
        if found.output.label in ("unknown", "undefined"):
            return "", frozenset()
        return found.output.mime_type, frozenset(found.output.extensions)

    return answer


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def main() -> None:
    """Print a line for each library; with -v every wrong answer."""
    corpus = entries()
    for name, prepare in {
        "own": _old, "as adopted": _as_adopted, "libmagic": _magic,
        "pure-magic-rs": _pure_magic_rs, "puremagic": _puremagic, "filetype": _filetype, "magika": _magika,
    }.items():  # fmt: skip
        try:
            start = time.perf_counter()
            identify_one = prepare()
            ready = time.perf_counter() - start
        except ImportError as error:
            _print(f"{name}: {error}")
            continue
        verdicts, times = Counter[str](), []
        for entry in corpus:
            start = time.perf_counter()
            answer = identify_one(entry)
            times.append(time.perf_counter() - start)
            verdict = _verdict(entry, answer)
            verdicts[verdict] += 1
            if verdict == "wrong" and "-v" in sys.argv:
                _print(f"  {name}: {entry.name}: {answer[0]} {' '.join(sorted(answer[1]))}")
        counts = ", ".join(
            f"{verdicts[each]} {each}" for each in ("right", "general", "unknown", "wrong")
        )
        _print(
            f"{name}: {counts}; median {sorted(times)[len(times) // 2] * 1e6:.0f} µs,"
            f" mean {sum(times) / len(times) * 1e6:.0f} µs, longest {max(times) * 1e3:.1f} ms, start {ready * 1e3:.0f} ms"
        )


if __name__ == "__main__":
    main()
