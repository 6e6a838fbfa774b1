"""The docstrings have one form, Google style, and the words are those of the field.

Checked are all rooms but `testing/`, without importing them:

- A public class has an example. Exempt are exceptions and warnings, protocols, enumerations, and
  settings (subclasses of `Settings`), whose examples are the recipes.
- An example is Python, plain or with the prompts of doctest.
- What a function raises is in a section `Raises:`, not in running text. A private function may
  have a single line "Raise ... if ...".
- Docstrings, comments and messages have none of `DIALECT`.
"""

from __future__ import annotations

import ast
import doctest
import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from tokenize import COMMENT

import pytest

from tools.house import Source, docstrings, read, tokens

SRC = Path(__file__).resolve().parents[1] / "src" / "pdas"

NOT_CHECKED = "testing/"  # classes of tests, which nobody makes

EXEMPT = frozenset({"Exception", "UserWarning", "Protocol", "Enum", "Settings"})

DIALECT = re.compile(
    r"\b(meanwhile|at hand|so far|go(es)? on|went on|alike|yardsticks?|trainees?|written whole"
    r"|(is|are|be) handed|tells? of|told of|at the moment|in the course of)\b",
    re.IGNORECASE,
)
RUNNING_RAISES = re.compile(r"(\b[Rr]aises? +`?\w*(Error|Warning|Exception)\b)|; raises\b")
RAISED_IN_CODE = re.compile(r" +raise \w+\(")  # of an example


@pytest.fixture(scope="module")
def sources() -> list[Source]:
    found = [source for source in read(SRC)[0] if not source.path.startswith(NOT_CHECKED)]
    assert len(found) > 100
    return found


def test_public_classes_have_an_example(sources: list[Source]) -> None:
    bases = {c.name: c for s in read(SRC)[0] for c in classes(s)}
    missing = [
        f"{source.path}:{each.lineno} {each.name}"
        for source in sources
        for each in classes(source)
        if not each.name.startswith("_")
        and not ancestors(each, bases) & EXEMPT
        and example(each) is None
    ]
    assert not missing, "\n".join(missing)


def test_examples_are_python(sources: list[Source]) -> None:
    wrong = []
    for source in sources:
        for node in ast.walk(source.tree):
            text = example(node)
            try:
                ast.parse(text or "")
            except SyntaxError as error:
                wrong.append(f"{source.path}:{node.lineno} {error}")  # type: ignore[attr-defined]
    assert not wrong, "\n".join(wrong)


def test_errors_are_in_their_section(sources: list[Source]) -> None:
    wrong = [
        f"{source.path}:{node.lineno} {line.strip()}"
        for source in sources
        for node in docstrings(source.tree)
        if node.value not in private_lines(source)
        for line in text_of(node).splitlines()
        if RUNNING_RAISES.search(line) and not RAISED_IN_CODE.match(line)
    ]
    assert not wrong, "\n".join(wrong)


def test_words_are_those_of_the_field(sources: list[Source]) -> None:
    wrong = [
        f"{source.path}:{line} {found.group()!r}"
        for source in sources
        for line, text in texts(source)
        for found in DIALECT.finditer(" ".join(text.split()))
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("text", ["Raises `RunError` if not.", "A number; raises SettingError."])
def test_running_text_is_noticed(text: str) -> None:
    assert RUNNING_RAISES.search(text)


@pytest.mark.parametrize("text", ["it goes on", "what is at hand", "Meanwhile", "so far"])
def test_dialect_is_noticed(text: str) -> None:
    assert DIALECT.search(text)


def classes(source: Source) -> list[ast.ClassDef]:
    return [node for node in ast.walk(source.tree) if isinstance(node, ast.ClassDef)]


def base_names(each: ast.ClassDef) -> Iterator[str]:
    """Without modules and parameters: `Generic` of `typing.Generic[T]`."""
    for base in each.bases:
        plain = base.value if isinstance(base, ast.Subscript) else base
        yield ast.unparse(plain).rpartition(".")[2]


def ancestors(each: ast.ClassDef, bases: dict[str, ast.ClassDef]) -> set[str]:
    """The names of all base classes, as far as the source has them."""
    found: set[str] = set()
    pending = [each]
    while pending:
        # A class may have the name of one of another package that is above it.
        new = set(base_names(pending.pop())) - found
        found |= new
        pending += [bases[name] for name in new if name in bases]
    return found


def example(node: ast.AST) -> str | None:
    """The code in the section `Example:` of a docstring; None without it."""
    if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.Module):
        return None
    section = re.search(
        r"^Example:\n((?: {4}.*\n|\n)+)", f"{ast.get_docstring(node) or ''}\n", re.MULTILINE
    )
    if section is None:
        return None
    code = dedent(section.group(1))
    parts = doctest.DocTestParser().get_examples(code) if ">>>" in code else []
    return "".join(part.source for part in parts) or code


def texts(source: Source) -> Iterator[tuple[int, str]]:
    """Comments, and all strings: docstrings and messages."""
    for token in tokens(source):
        if token.type == COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def private_lines(source: Source) -> set[str]:
    """The docstrings of a single line of private functions."""
    functions = (node for node in ast.walk(source.tree) if isinstance(node, ast.FunctionDef))
    found = {ast.get_docstring(node) or "" for node in functions if node.name.startswith("_")}
    return {text for text in found if "\n" not in text}


def text_of(node: ast.Constant) -> str:
    assert isinstance(node.value, str)
    return node.value
