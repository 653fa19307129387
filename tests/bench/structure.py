"""Figures about the structure of the code: ``make structure``; ARGS=-v lists what was counted.

There is one line per figure, nothing is asserted: words and citations are held by tests, the form of
docstrings by the linter. The docstring of each function describes how it counts. The path of a PATCH is
measured (``patch_path``); everything else is read from the files that git tracks.
"""

import argparse
import ast
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from patch_path import PRODUCT, ROOT, patch_figures

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
    patch_figures, port_figures, upload_figures, docstring_figures, file_figures, mirror_figures,
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
