"""Signs of the state of the code, read from the source without importing it.

    python tools/house.py [SRC]

prints lines of code, the share of them that refuses input, the size of files, rooms and functions,
and where a task, an architecture family or a data set is named outside the rooms that own it. It
judges nothing and always exits with status 0; the tests hold the limits.

A room is a directory of Python files. Tasks and families are the directories in `tasks/` and
`spaces/`, data sets the files in `data/sets/`: a new one is looked for as soon as it is there.
"""

from __future__ import annotations

import argparse
import ast
import io
import math
import re
import statistics
import tokenize
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from textwrap import shorten
from typing import NamedTuple

SOURCE = Path(__file__).resolve().parents[1] / "src" / "pdas"
FILE_LINES = 300
ROOM_FILES = 15
FUNCTION_LINES = 40
REFUSALS = frozenset({"refuse", "refusal"})
OWNERS = ("tasks/", "spaces/", "recipes/")  # may name everything
DATA_SETS = "data/sets/"  # may name data sets too

# English words, which say nothing by themselves: these count only as a whole string literal or
# in the import of the module of that name.
GENERIC = frozenset({"cars", "digits", "folder", "images", "photos", "unlabelled"})

NO_CODE = frozenset(
    {
        tokenize.COMMENT,
        tokenize.DEDENT,
        tokenize.ENCODING,
        tokenize.ENDMARKER,
        tokenize.INDENT,
        tokenize.NEWLINE,
        tokenize.NL,
    }
)
WORD = re.compile(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+")  # of snake_case, CamelCase and prose


class Source(NamedTuple):
    """A file: its path within the source, as text, and parsed."""

    path: str
    text: str
    tree: ast.Module


class Function(NamedTuple):
    """A function or method and its length in lines, without the docstring."""

    name: str
    line: int
    length: int


class Name(NamedTuple):
    """What must not be named elsewhere; `kind` is "task", "family" or "data set"."""

    kind: str
    name: str


class Outside(NamedTuple):
    """A place that names something it does not own."""

    path: str
    line: int
    kind: str
    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.kind} {self.name}, in {shorten(self.text, 60)!r}"


def parse(text: str, path: str = "") -> Source:
    return Source(path, text, ast.parse(text))


def read(src: Path) -> tuple[list[Source], list[str]]:
    """The files below `src`, and the paths of those that are no Python."""
    sources, broken = [], []
    for file in sorted(src.rglob("*.py")):
        path = file.relative_to(src).as_posix()
        try:
            sources.append(parse(file.read_text(encoding="utf-8"), path))
        except (SyntaxError, ValueError):
            broken.append(path)
    return sources, broken


# ---- lines


def span(node: ast.stmt | ast.expr) -> set[int]:
    return set(range(node.lineno, (node.end_lineno or node.lineno) + 1))


def docstrings(tree: ast.AST) -> list[ast.Constant]:
    """Every string that is a statement by itself, so those below attributes too."""
    values = (node.value for node in ast.walk(tree) if isinstance(node, ast.Expr))
    return [v for v in values if isinstance(v, ast.Constant) and isinstance(v.value, str)]


def tokens(source: Source) -> Iterator[tokenize.TokenInfo]:
    return tokenize.generate_tokens(io.StringIO(source.text).readline)


@cache
def code_lines(source: Source) -> frozenset[int]:
    """Numbers of the lines with code: not blank, not only a comment or a docstring."""
    described = set().union(*map(span, docstrings(source.tree)))
    lines: set[int] = set()
    for token in tokens(source):
        docstring = token.type == tokenize.STRING and token.start[0] in described
        if token.type not in NO_CODE and not docstring:
            lines.update(range(token.start[0], token.end[0] + 1))
    texts = source.text.split("\n")
    return frozenset(line for line in lines if texts[line - 1].strip())  # strings have blank lines


def comment_lines(source: Source) -> set[int]:
    """Numbers of the lines that hold a comment and nothing else."""
    comments = (token for token in tokens(source) if token.type == tokenize.COMMENT)
    return {token.start[0] for token in comments if not token.line[: token.start[1]].strip()}


def raise_lines(source: Source) -> set[int]:
    """Numbers of the lines of code in `raise` statements."""
    raises = (span(node) for node in ast.walk(source.tree) if isinstance(node, ast.Raise))
    return set().union(*raises) & code_lines(source)


def refusal_lines(source: Source) -> set[int]:
    """Numbers of the lines of code in statements that call a helper of `REFUSALS`.

    Of a compound statement, such as `if refuse(...):`, only the call counts.
    """
    lines: set[int] = set()
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and _is_refusal(node):
            lines |= span(node)
        elif isinstance(node, ast.stmt) and _is_simple(node):
            lines |= span(node) if any(map(_is_refusal, ast.walk(node))) else set()
    return lines & code_lines(source)


def _is_refusal(node: ast.AST) -> bool:
    called = node.func if isinstance(node, ast.Call) else None
    return getattr(called, "id", getattr(called, "attr", None)) in REFUSALS


def _is_simple(statement: ast.stmt) -> bool:
    """Whether no other statements are in it."""
    return not (hasattr(statement, "body") or hasattr(statement, "cases"))


# ---- functions and rooms


def functions(tree: ast.AST) -> list[Function]:
    """Every function; one within another counts by itself and in the outer one."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            described = ast.get_docstring(node, clean=False) is not None
            length = len(span(node)) - (len(span(node.body[0])) if described else 0)
            found.append(Function(node.name, node.lineno, length))
    return sorted(found, key=lambda function: function.line)


def percentile(values: Iterable[int], percent: float) -> int:
    """The smallest value that so many percent of them do not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)] if ordered else 0


def rooms(paths: Iterable[str]) -> Counter[str]:
    """How many files each directory holds directly, without its `__init__.py`."""
    files: Counter[str] = Counter()
    for path in paths:
        room, _, file = path.rpartition("/")
        files[room or "."] += file != "__init__.py"
    return files


# ---- names


def owned_names(src: Path) -> dict[str, Name]:
    """The names of tasks, families and data sets by their letters, without "_" and "-".

    Of "cells" there is "cell" too.
    """
    names = {
        **{name: Name("task", name) for name in _packages(src / "tasks")},
        **{name: Name("family", name) for name in _packages(src / "spaces")},
        **{name: Name("data set", name) for name in _modules(src / "data" / "sets")},
    }
    singular = {n.removesuffix("s"): name for n, name in names.items() if name.kind == "family"}
    return {_letters(key): name for key, name in {**singular, **names}.items()}


def _packages(directory: Path) -> list[str]:
    names = sorted(file.parent.name for file in directory.glob("*/__init__.py"))
    return [name for name in names if not name.startswith("_")]


def _modules(directory: Path) -> list[str]:
    names = sorted(file.stem for file in directory.glob("*.py"))
    return [name for name in names if not name.startswith("_")]


def outside_names(src: Path) -> list[Outside]:
    """Where a task, a family or a data set is named that the file does not own.

    Identifiers, imports and string literals count, comments and docstrings do not. A name is there
    where whole words spell it: "cells" is in `max_cells`, `CellsTask` and "two cells", and not in
    `cancels`.
    """
    names = owned_names(src)
    return [outside for source in read(src)[0] for outside in _outside(source, names)]


def _outside(source: Source, names: dict[str, Name]) -> list[Outside]:
    if source.path.startswith(OWNERS):
        return []
    found: dict[tuple[int, Name], Outside] = {}  # once a line
    for line, text, literal in _texts(source.tree):
        for name in names_in(text, names, literal=literal):
            if name.kind != "data set" or not source.path.startswith(DATA_SETS):
                found.setdefault((line, name), Outside(source.path, line, *name, text))
    return sorted(found.values())


def names_in(text: str, names: dict[str, Name], *, literal: bool = False) -> Iterator[Name]:
    """The names that words of a text spell: "fashion-mnist" and `FashionMNIST` fashion_mnist."""
    words = [word.lower() for word in WORD.findall(text)]
    longest = max(map(len, names), default=0)
    for first in range(len(words)):
        spelled = ""
        for word in words[first:]:
            spelled += word
            if len(spelled) > longest + 3:  # digits may follow the name, as in cifar10 for cifar
                break
            name = names.get(spelled) or names.get(spelled.rstrip("0123456789"))
            if name and (name.name not in GENERIC or _is_meant(name.name, text, literal)):
                yield name


def _is_meant(generic: str, text: str, literal: bool) -> bool:
    if literal:
        return _letters(text) == _letters(generic)
    return re.search(rf"\b(tasks|spaces|sets)\.{generic}\b", text) is not None


def _texts(tree: ast.AST) -> Iterator[tuple[int, str, bool]]:
    """Line, text, and whether it is a string literal: imports, identifiers and literals."""
    described = set(map(id, docstrings(tree)))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((node.lineno, text, False) for text in _imported(node))
        elif isinstance(node, ast.Constant):
            if isinstance(node.value, str) and id(node) not in described:
                yield node.lineno, node.value, True
        elif not isinstance(node, ast.alias):  # came with its import
            yield from ((getattr(node, "lineno", 1), text, False) for text in _identifiers(node))


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    module = f"{node.module or ''}." if isinstance(node, ast.ImportFrom) else ""
    for alias in node.names:
        yield module + alias.name
        if alias.asname:
            yield alias.asname


def _identifiers(node: ast.AST) -> Iterator[str]:
    """Whatever a node holds as plain text is an identifier: of a name, a keyword, a class..."""
    for _, value in ast.iter_fields(node):
        yield from (v for v in (value if isinstance(value, list) else [value]) if type(v) is str)


def _letters(name: str) -> str:
    return re.sub(r"[-_]", "", name).lower()


# ---- the table


def signs(src: Path) -> Iterator[tuple[str, str]]:
    """The rows of the table; those without a label go on with the one above."""
    sources, broken = read(src)
    for path in broken:
        yield "not parsed", path
    code = sum(len(code_lines(source)) for source in sources)
    yield "lines of code", f"{code} in {len(sources)} files"
    yield from _line_signs(sources, max(code, 1))
    yield from _size_signs(sources)
    yield from _function_signs(sources)
    yield from _name_signs(src)


def _line_signs(sources: list[Source], code: int) -> Iterator[tuple[str, str]]:
    raised = sum(len(raise_lines(s)) for s in sources)
    called = sum(len(refusal_lines(s)) for s in sources)
    both = sum(len(raise_lines(s) & refusal_lines(s)) for s in sources)
    comments = sum(len(comment_lines(s)) for s in sources)
    calls = f"{called} lines, {both} of them in raise"
    yield "refusals", f"{100 * raised / code:.1f} % in raise ({raised} lines)"
    yield "", f"{100 * called / code:.1f} % in calls of refuse or refusal ({calls})"
    yield "comments", f"{100 * comments / code:.1f} lines per 100 lines of code"


def _size_signs(sources: list[Source]) -> Iterator[tuple[str, str]]:
    files = rooms(source.path for source in sources)
    largest = "".join(f", the largest {room} with {n} files" for room, n in files.most_common(1))
    yield "rooms", f"{len(files)}{largest}"
    big_rooms = [f"{room}: {n}" for room, n in files.most_common() if n > ROOM_FILES]
    yield from _listed(f"rooms above {ROOM_FILES} files", big_rooms)
    lines = {source.path: source.text.count("\n") for source in sources}
    big_files = [f"{path}: {n}" for path, n in lines.items() if n > FILE_LINES]
    yield from _listed(f"files above {FILE_LINES} lines", big_files)


def _function_signs(sources: list[Source]) -> Iterator[tuple[str, str]]:
    every = [(source.path, function) for source in sources for function in functions(source.tree)]
    lengths = [function.length for _, function in every]
    median = statistics.median(lengths or [0])
    ninetieth = percentile(lengths, 90)
    yield "functions", f"{len(every)}, median {median:g} lines, 90th percentile {ninetieth}"
    big = [(path, function) for path, function in every if function.length > FUNCTION_LINES]
    rows = [f"{path}:{function.line} {function.name}: {function.length}" for path, function in big]
    yield from _listed(f"functions above {FUNCTION_LINES} lines", rows)


def _name_signs(src: Path) -> Iterator[tuple[str, str]]:
    places: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for outside in outside_names(src):
        places[outside.path][f"{outside.kind} {outside.name}"] += 1
    rows = [
        f"{path}: " + ", ".join(f"{name} ({n})" for name, n in names.items())
        for path, names in places.items()
    ]
    yield from _listed("files that name what they do not own", rows)


def _listed(label: str, rows: list[str]) -> Iterator[tuple[str, str]]:
    yield label, str(len(rows))
    yield from (("", row) for row in rows)


def main() -> None:
    parser = argparse.ArgumentParser(description="Print signs of the state of the code.")
    parser.add_argument("src", nargs="?", type=Path, default=SOURCE, help="default: src/pdas")
    rows = list(signs(parser.parse_args().src))
    width = max(len(label) for label, _ in rows)
    for label, value in rows:
        print(f"{label and label + ':':{width + 1}} {value}")


if __name__ == "__main__":
    main()
