"""The made files, which are cached: a file is made again only when its maker has changed."""

import hashlib
import inspect
import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import media.makers
from media import measure, scene, stills, surgery
from media.cases import CASES, Case

CACHE: Final = Path(__file__).parents[2] / ".media-cache"


def chosen(groups: Iterable[str] = (), names: Iterable[str] = ()) -> list[Case]:
    """Return the cases of these groups and with these names (or their beginnings).

    All cases are returned when both are empty.
    """
    assert media.makers
    groups, names = set(groups), tuple(names)
    if not groups and not names:
        return list(CASES)
    return [
        case for case in CASES if case.group in groups or (names and case.name.startswith(names))
    ]


def made(case: Case, cache: Path) -> Path:
    """Return the case's file; make it first if it is missing."""
    folder = cache / case.group
    path, mark = folder / case.name, folder / f".{_key(case.name)}.json"
    digest = _digest(case)
    memo = memo_of(case, cache)
    if path.exists() and mark.exists() and json.loads(mark.read_text()) == digest:
        return path
    work = folder / f".making-{_key(case.name)}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        case.make(work / case.name)
        (work / case.name).replace(path)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    memo.unlink(missing_ok=True)
    mark.write_text(json.dumps(digest))
    return path


def memo_of(case: Case, cache: Path) -> Path:
    """Return the file that keeps what was measured of the case's file."""
    return cache / case.group / f".{_key(case.name)}-{_key(inspect.getsource(measure))}.json"


def _key(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:12]


def _digest(case: Case) -> str:
    """Return a hash of the maker and of what all makers share.

    It is that of the module when the maker calls helpers there.
    """
    module = inspect.getmodule(case.make)
    assert module is not None
    own = inspect.getsource(case.make)
    helpers = "".join(
        inspect.getsource(member)
        for name, member in sorted(vars(module).items())
        if inspect.isfunction(member) and member.__module__ == module.__name__ and f"{name}(" in own
    )
    shared = "".join(inspect.getsource(part) for part in (scene, surgery, stills))
    return hashlib.sha256((own + helpers + shared).encode()).hexdigest()
