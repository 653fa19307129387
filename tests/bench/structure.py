"""Figures about the structure of the code: ``make structure``; ARGS=-v lists what was counted.

There is one line per figure, nothing is asserted. The docstring of each function describes how it
counts. The path of a PATCH is measured on a real server in this process, with the connection class
that it has in production; everything else is read from the files that git tracks.
"""

import argparse
import ast
import asyncio
import contextvars
import io
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import tokenize
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final

from support.uvicorn_server import serving

ROOT: Final = Path(__file__).resolve().parents[2]
PRODUCT: Final = ("tusd_py", "worker")
REFUSED: Final = (
    "told", "asked", "nobody", "somebody", "anybody", "whoever", "anew", "so many", "so long",
    "so often", "the seed",
)  # fmt: skip
_VERBS: Final = """
accept accumulate acknowledge add admit adopt advance agree alias allocate allow analyse announce
answer append apply arrange ask assemble assert assign attach await base become begin believe bind
block bound break bring build bury buy cache calculate call cancel carry catch change charge check
choose claim classify clean clear close collect combine commit compare compile complete compose
compress compute concatenate condemn configure confine confirm connect consider construct consume
contain continue convert copy correct cost count create cut deal decide declare decode decrement
decrypt default define delay delegate delete deliver demand deny derive describe destroy detach
detect determine die disable discard disconnect dispatch display distribute divide do download drain
draw drive drop dump emit empty enable encode encrypt end enforce enqueue ensure enter enumerate
escape establish estimate evaluate examine exclude execute exist exit expand expect expire explain
export expose express extend extract fail fall feed fetch fill filter find finish fit flush fold
follow forbid force forget form format forward free freeze gather generate get give go grant group
grow guard guess hand handle hash have hear help hide hold ignore implement import include increment
indicate inherit initialise initialize insert inspect install interpret invalidate invoke iterate
join judge keep kill know lay lead learn lease leave lend let lie lift limit link list listen live
load locate lock log look lower maintain make manage map mark match mean measure merge migrate model
modify mount move name need normalise normalize note notice notify number obtain offer omit open
order override own pack parse pass pause pay perform pick place plan point poll populate post prefer
prepare present preserve prevent print process produce promise protect prove provide publish pull
push put queue quote raise read receive recognise recognize record recover redirect reduce refer
refresh refuse register reject relate relay release reload remain remember remove rename renew
reopen repair repeat replace reply report represent request require reserve reset resolve respond
restart restore restrict resume retain retrieve retry return reuse rewind rewrite rotate round run
sample save say scale scan schedule search see select send separate serialise serialize serve set
settle shift show shrink shut sign signal skip sleep sniff sort speak spend split stand start state
stay stop store stream strip submit subscribe subtract succeed suggest supply support swap switch
synchronise synchronize take talk tell terminate test throw tie toggle touch trace track transcode
transfer transform translate traverse trim try turn understand undo unlock unpack update upgrade
upload use validate verify visit wait wake walk want warn watch weigh withdraw work wrap write yield
"""
VERBS: Final = frozenset(_VERBS.split())
"""Words that count as verbs at the beginning of a docstring, in the imperative and with an s.

Some of them are nouns too, and are counted all the same. A missing verb is to be added.
"""
_FINITE: Final = """
is are was were has have had does do did can could may might must will would shall should
isn't aren't wasn't hasn't haven't doesn't don't didn't can't couldn't mustn't won't wouldn't
"""
FINITE: Final = frozenset(_FINITE.split())


# -- the path of a PATCH

Frame = tuple[str, str, int]
"""File below the root, qualified name, line."""
_origin: "contextvars.ContextVar[tuple[Frame, ...]]" = contextvars.ContextVar("origin", default=())
_hop = threading.local()


def _frame(frame: FrameType) -> Frame | None:
    name = _product_file(frame.f_code)
    return None if name is None else (name, frame.f_code.co_qualname, frame.f_lineno)


@cache
def _product_file(code: CodeType) -> str | None:
    path = Path(code.co_filename)
    if not path.is_relative_to(ROOT):
        return None
    name = path.relative_to(ROOT).as_posix()
    return name if name.split("/")[0] in PRODUCT else None


def _stack(top: FrameType | None) -> tuple[Frame, ...]:
    """Return the product's frames, the outermost first.

    They begin with the frames of the thread or task that handed the work over.
    """
    found: list[Frame] = []
    while top is not None:
        frame = _frame(top)
        if frame is not None:
            found.append(frame)
        top = top.f_back
    return (*getattr(_hop, "origin", _origin.get()), *reversed(found))


class Watch:
    """Records the stacks at which an upload's file is written, and product files entered."""

    def __init__(self) -> None:
        self.active = False
        self.stacks: Counter[tuple[Frame, ...]] = Counter()
        self.entered: set[str] = set()

    def profile(self, frame: FrameType, event: str, _argument: object) -> None:
        if self.active and event == "call":
            name = _product_file(frame.f_code)
            if name is not None:
                self.entered.add(name)

    def install(self) -> None:
        """Install the watch before the application makes its threads, and on the loop's thread."""
        threading.setprofile(self.profile)
        sys.setprofile(self.profile)
        for name in ("pwritev", "pwrite", "writev", "write"):
            self._wrap(name)
        self._follow_threads()
        asyncio.get_running_loop().set_task_factory(_made_task)

    def _wrap(self, name: str) -> None:
        real: Callable[..., int] = getattr(os, name)

        def write(descriptor: int, *arguments: Any) -> int:
            if self.active and "/uploads/" in os.readlink(f"/proc/self/fd/{descriptor}"):
                self.stacks[_without_lines(_from_endpoint(_stack(sys._getframe(1))))] += 1
            return real(descriptor, *arguments)

        setattr(os, name, write)

    def _follow_threads(self) -> None:
        real = ThreadPoolExecutor.submit

        def submit(pool: Any, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
            origin = _stack(sys._getframe(1))

            def run() -> Any:
                _hop.origin = origin
                try:
                    return function(*args, **kwargs)
                finally:
                    del _hop.origin

            return real(pool, run)

        ThreadPoolExecutor.submit = submit  # type: ignore[method-assign,assignment]


def _made_task(loop: asyncio.AbstractEventLoop, coroutine: Any, **how: Any) -> Any:
    """Make a task that keeps the frames which made it."""
    context = how.pop("context", None) or contextvars.copy_context()
    context.run(_origin.set, _stack(sys._getframe(1)))
    return asyncio.Task(coroutine, loop=loop, context=context, **how)


def _from_endpoint(stack: tuple[Frame, ...]) -> tuple[Frame, ...]:
    """Return the frames from the innermost ``__call__`` below http/: the endpoint's."""
    starts = [
        index
        for index, (file, name, _) in enumerate(stack)
        if "/http/" in file and name.endswith(".__call__")
    ]
    return stack[starts[-1] :] if starts else stack


def _without_lines(stack: tuple[Frame, ...]) -> tuple[Frame, ...]:
    return tuple((file, name, 0) for file, name, _ in stack)


def patch_figures(verbose: bool) -> Iterator[str]:
    """Count frames from the endpoint's ``__call__`` to the write of the upload's file.

    Both are counted, joined over threads and tasks: those of the write whose stack was seen most
    often. Files of the product are those that are entered from the request to its answer, in each
    of five requests.
    """
    for name, (stacks, entered) in asyncio.run(_measured()).items():
        stack, _ = max(stacks.items(), key=lambda item: (item[1], len(item[0])))
        yield f"frames from the endpoint to the write, PATCH {name}: {len(stack)}"
        if verbose:
            yield from (f"    {file} {qualified}" for file, qualified, _ in stack)
            others = [len(other) for other in stacks if other != stack]
            yield f"    frames of other writes: {others or 'none'}"
        yield f"product files entered, PATCH {name}: {len(entered)}"
        if verbose:
            yield from (f"    {file}" for file in sorted(entered))


async def _measured() -> dict[str, tuple[Counter[tuple[Frame, ...]], set[str]]]:
    from tusd_py.server import create_app
    from tusd_py.settings.model import Settings

    watch = Watch()
    watch.install()
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder) / "data", workers=0)
        app = create_app(settings)
        async with app.router.lifespan_context(app), serving(app) as port:
            for size, name in ((4 << 20, "of 4 MiB"), (4 << 10, "of 4 KiB")):
                for last, where in ((False, "in the middle"), (True, "to the end")):
                    seen = [await _patched(watch, port, size, last=last) for _ in range(5)]
                    entered = set.intersection(*(files for _, files in seen))
                    found[f"{name} {where}"] = (seen[-1][0], entered)
    sys.setprofile(None)
    threading.setprofile(None)  # type: ignore[arg-type]
    return found


async def _patched(
    watch: Watch, port: int, size: int, *, last: bool
) -> tuple[Counter[tuple[Frame, ...]], set[str]]:
    length = size if last else 2 * size
    fields = {"Tus-Resumable": "1.0.0", "Upload-Length": str(length), "Content-Length": "0"}
    head = await asyncio.to_thread(_exchange, port, "POST", "/files/", fields, b"")
    location = re.search(rb"(?i)location: *http://[^/]+(\S+)", head)
    assert location, head
    path = location[1].decode()
    fields = {
        "Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Length": str(size),
        "Content-Type": "application/offset+octet-stream",
    }  # fmt: skip
    watch.stacks, watch.entered = Counter(), set()
    watch.active = True
    answer = await asyncio.to_thread(_exchange, port, "PATCH", path, fields, bytes(size))
    watch.active = False
    assert answer.startswith(b"HTTP/1.1 204"), answer
    return watch.stacks, watch.entered


def _exchange(port: int, method: str, path: str, fields: dict[str, str], body: bytes) -> bytes:
    """Return the head of the answer.

    A body of a few KiB comes with the head, as clients send it.
    """
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}"]
    lines += [f"{name}: {value}" for name, value in fields.items()]
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        head = b""
        while b"\r\n\r\n" not in head:
            piece = connection.recv(65536)
            assert piece, head
            head += piece
    return head


# -- what is read from the files


def tracked(*patterns: str) -> list[Path]:
    """Return the files that git tracks."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


@cache
def product() -> list[Path]:
    return tracked(*(f"{name}/*.py" for name in PRODUCT))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def short(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def port_figures(verbose: bool) -> Iterator[str]:
    """Count public methods and properties of each port.

    A port is a Protocol or ABC in a file named port.py or *_port.py, or in a folder ports/; those
    that it inherits from other classes of the product are counted too.
    """
    classes: dict[str, ast.ClassDef] = {}
    ports: dict[str, str] = {}
    for path in product():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ClassDef):
                is_port = (
                    path.stem == "port"
                    or path.stem.endswith("_port")
                    or path.parent.name == "ports"
                )
                if node.name not in classes or is_port:
                    classes[node.name] = node
                if is_port:
                    ports[node.name] = short(path)
    bases = {
        name: [ast.unparse(base).split("[")[0] for base in node.bases]
        for name, node in classes.items()
    }

    def is_abstract(name: str) -> bool:
        return any(
            base in ("Protocol", "ABC", "abc.ABC") or is_abstract(base)
            for base in bases.get(name, ())
        )

    def methods(name: str) -> set[str]:
        own = {
            item.name
            for item in classes[name].body
            if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef) and item.name[:1] != "_"
        }
        return own.union(*(methods(base) for base in bases[name] if base in classes))

    sizes = {name: len(methods(name)) for name in ports if is_abstract(name)}
    for name, size in sorted(sizes.items(), key=lambda item: -item[1])[: None if verbose else 1]:
        label = "    " if verbose and size != max(sizes.values()) else "largest port: "
        yield f"{label}{name} ({ports[name]}), {size} methods"


def upload_figures(_verbose: bool) -> Iterator[str]:
    """Count functions, methods and nested functions; lines of the files, empty ones too."""
    files = [path for path in product() if short(path).startswith("tusd_py/uploads/")]
    count = sum(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for path in files
        for node in ast.walk(tree(path))
    )
    lines = sum(_lines(path) for path in files)
    yield f"tusd_py/uploads: {len(files)} files, {count} functions, {lines} lines"


def docstring_figures(verbose: bool) -> Iterator[str]:
    """Count docstrings of modules, classes and functions (not those of attributes).

    A verb first: the first word is in ``VERBS``, or is such a word with s or es. A sentence: it
    does not begin so, but its first sentence has a finite auxiliary (``FINITE``), or behind its
    first word one of ``VERBS`` with an s; nouns that look like these count too, so the figure is
    too high rather than too low. ``See X.y``: nothing else is in the docstring.
    """
    texts: list[tuple[str, str]] = []
    for path in product():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                text = ast.get_docstring(node)
                if text:
                    texts.append((f"{short(path)}:{getattr(node, 'lineno', 1)}", text))
    see = [at for at, text in texts if re.fullmatch(r"See\s+``[\w.]+``\.?", text)]
    rest = [(at, text) for at, text in texts if at not in set(see)]
    verb = [at for at, text in rest if _is_verb(_words(text)[:1])]
    sentence = [at for at, text in rest if not _is_verb(_words(text)[:1]) and _is_sentence(text)]
    neither = [(at, text) for at, text in rest if at not in {*verb, *sentence}]
    total = len(texts)
    yield f"docstrings: {total}"
    yield f"docstrings that begin with a verb: {_share(len(verb), total)}"
    yield f"docstrings that are a sentence otherwise: {_share(len(sentence), total)}"
    yield f"docstrings that are only See ``X.y``: {_share(len(see), total)}"
    yield f"docstrings that are none of these: {_share(len(neither), total)}"
    if verbose:
        yield from (f"    {at} {text.splitlines()[0]}" for at, text in neither)
    flagged = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "D401", "--statistics",
         *PRODUCT],
        cwd=ROOT, capture_output=True, text=True, check=False,
    ).stdout.split()  # fmt: skip
    yield f"docstrings that ruff's D401 refuses (not imperative): {flagged[0] if flagged else 0}"


def _words(text: str) -> list[str]:
    first = re.split(r"(?<=[.:;])\s|\n\n", text, maxsplit=1)[0]
    return re.findall(r"[a-z][a-z'-]*", re.sub(r"``.*?``|\(.*?\)", " x ", first.lower()))


def _is_verb(words: list[str]) -> bool:
    return any(word in VERBS or _base(word) in VERBS for word in words)


def _base(word: str) -> str | None:
    """Return the word without the s of the third person."""
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word[:-2] in VERBS and word.endswith("es"):
        return word[:-2]
    return word[:-1] if word.endswith("s") else None


def _is_sentence(text: str) -> bool:
    words = _words(text)
    return any(word in FINITE for word in words) or any(_base(word) in VERBS for word in words[1:])


def _share(count: int, total: int) -> str:
    return f"{count} ({100 * count / total:.1f} %)"


def word_figures(verbose: bool) -> Iterator[str]:
    """Count words that the project does not use.

    In Python files these are words in comments, docstrings and other strings, and apart from these
    in names; in the documents anywhere. This file, which lists them, is left out.
    """
    tests = [path for path in tracked("tests/*.py") if path != Path(__file__).resolve()]
    for label, paths in (("product", product()), ("tests", tests)):
        texts, names = Counter[str](), Counter[str]()
        for path in paths:
            text, name = _text_and_names(path)
            texts.update(_refused(text))
            names.update(_refused(name))
        yield _counted(f"refused words in comments and strings, {label}", texts, verbose)
        yield _counted(f"refused words in names, {label}", names, verbose)
    documents = Counter[str]()
    for path in tracked("*.md", ":!tests"):
        documents.update(_refused(path.read_text("utf-8")))
    yield _counted("refused words in documents", documents, verbose)


def _counted(label: str, found: Counter[str], verbose: bool) -> str:
    detail = f" ({', '.join(f'{word} {count}' for word, count in found.most_common())})"
    return f"{label}: {found.total()}{detail if verbose and found else ''}"


def _refused(text: str) -> Iterator[str]:
    pattern = "|".join(word.replace(" ", r"\s+(?:#\s*)?") for word in REFUSED)
    for match in re.finditer(rf"\b({pattern})\b", text, re.IGNORECASE):
        yield " ".join(match[1].replace("#", " ").lower().split())


def _text_and_names(path: Path) -> tuple[str, str]:
    """Return comments and strings; and names, their words apart and each name once in a file."""
    texts, names = [], set()
    with path.open("rb") as file:
        for token in tokenize.tokenize(io.BytesIO(file.read()).readline):
            if token.type in (tokenize.COMMENT, tokenize.STRING):
                texts.append(token.string)
            elif token.type == tokenize.NAME:
                names.add(token.string)
    return "\n".join(texts), "\n".join(name.replace("_", " ") for name in sorted(names))


def citation_figures(verbose: bool) -> Iterator[str]:
    """Count references to numbered items and pages of documents, in comments and strings.

    Resolved: a decision by its file in docs/decisions, a hole and a fault by its row in
    docs/holes.md and docs/faults.md, a page of docs/ by its existence, any other one (S8, K2) by a
    row whose first cell it is, or by its heading, in the documents. ``ARCHITECTURE, decision 2``
    and ``JOBS §7`` name documents that must exist.
    """
    pages = {path: path.read_text("utf-8") for path in tracked("docs/*.md")}
    found: Counter[str] = Counter()
    for path in product():
        text, _ = _text_and_names(path)
        found.update(_citations(" ".join(re.sub(r"\n\s*#?", " ", text).split())))
    good = {name for name in found if _resolves(name, pages)}
    resolved = sum(found[name] for name in good)
    yield f"citations in the product: {found.total()}, of which {resolved} resolve"
    if verbose:
        kinds: defaultdict[str, list[str]] = defaultdict(list)
        for name in sorted(found):
            kinds["resolved" if name in good else "not resolved"].append(f"{name} ({found[name]})")
        yield from (f"    {kind}: {', '.join(names)}" for kind, names in kinds.items())


_NUMBERED: Final = re.compile(
    r"(?P<document>ARCHITECTURE, )?\b(?P<kind>decision|hole|fault)s? (?P<first>\d+)"
    r"(?P<more>(?:,? (?:and|to) \d+|, \d+)*)"
)


def _citations(text: str) -> Iterator[str]:
    for match in _NUMBERED.finditer(text):
        for number in [match["first"], *re.findall(r"\d+", match["more"])]:
            yield f"{match['document'] or ''}{match['kind']} {number}"
    for match in re.finditer(r"\b[A-Z]{4,} §\d+|\bdocs/[\w./-]+\.md\b", text):
        yield match[0]
    # S3 is a storage service, except where it stands alone in brackets.
    for match in re.finditer(r"\b[SKFQ]\d{1,2}\b(?!\w)", text):
        if match[0] != "S3" or text[match.start() - 1] == "(":
            yield match[0]


def _resolves(name: str, pages: dict[Path, str]) -> bool:
    if name.startswith("docs/"):
        return (ROOT / name).is_file()
    if "§" in name or ", " in name:
        return (ROOT / f"{re.split('[ ,]', name)[0]}.md").is_file()
    kind, _, number = name.partition(" ")
    if kind == "decision":
        return any(path.name.startswith(f"{int(number):04d}-") for path in pages)
    if name == "S3":  # Rows and headings of this name are about storage.
        return False
    if kind in ("hole", "fault"):
        page = pages.get(ROOT / f"docs/{kind}s.md", "")
        return re.search(rf"^\| *{number} *\|", page, re.M) is not None
    definition = re.compile(
        rf"^(?:\| *{re.escape(name)} *\||#+ *{re.escape(name)}(?:[.:]|$))", re.M | re.IGNORECASE
    )
    return any(definition.search(text) for text in pages.values())


def file_figures(verbose: bool) -> Iterator[str]:
    """Count Python files of the product, by their lines."""
    sizes = {short(path): _lines(path) for path in product()}
    small = [name for name, lines in sizes.items() if lines < 30]
    packages = sum(name.endswith("__init__.py") for name in small)
    largest = max(sizes, key=lambda name: sizes[name])
    yield f"product files: {len(sizes)}, {sum(sizes.values())} lines"
    yield f"product files of less than 30 lines: {len(small)}, of which {packages} __init__.py"
    if verbose:
        yield from (f"    {sizes[name]:3} {name}" for name in sorted(small))
    yield f"lines of a product file, median: {statistics.median(sizes.values()):g}"
    yield f"largest product file: {largest}, {sizes[largest]} lines"


def _lines(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


def mirror_figures(verbose: bool) -> Iterator[str]:
    """Count modules with a test file of their name.

    tusd_py/a/b.py has tests/unit/a/test_b.py or tests/contract/a/test_b.py, worker/a/b.py has
    tests/unit/worker/a/test_b.py; packages' ``__init__`` and migrations are not counted.
    """
    missing, total = [], 0
    for path in product():
        name = short(path)
        if path.name in ("__init__.py", "__main__.py") or "/migrations/" in name:
            continue
        total += 1
        place = Path(name.removeprefix("tusd_py/"))
        mirrored = place.with_name(f"test_{place.name}")
        if not any((ROOT / "tests" / kind / mirrored).is_file() for kind in ("unit", "contract")):
            missing.append(name)
    share = _share(total - len(missing), total)
    yield f"modules with a test file of their name: {share} of {total}"
    if verbose:
        yield from (f"    without: {name}" for name in missing)


FIGURES: Final = (
    patch_figures, port_figures, upload_figures, docstring_figures, word_figures, citation_figures,
    file_figures, mirror_figures,
)  # fmt: skip


def main() -> None:
    """Print every figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-v", "--verbose", action="store_true", help="list what was counted, too")
    verbose: bool = parser.parse_args().verbose
    for figure in FIGURES:
        for line in figure(verbose):
            print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
