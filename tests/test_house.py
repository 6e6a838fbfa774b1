"""What is measured of the source, and that only its owners name a task, a family or a data set."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools import house
from tools.house import Function, Name, Outside, outside_names

ROOT = Path(__file__).resolve().parents[1]
SRC = ROOT / "src" / "pdas"

TEXT = '''"""About this module.

More.
"""

import math  # with a comment

# A comment
    # and another

TEXT = """a

# no comment
"""


class Box:
    """A box."""

    size: int = 0
    """How large."""

    def grow(self) -> None: "One line."


def root(x: float) -> float:
    """The root.

    Raises:
        ValueError: there is none.
    """
    if x < 0:
        # negative
        raise ValueError(
            # a comment is no code

            f"found {x}"
        )
    return math.sqrt(x)
'''


def test_only_owners_name_tasks_families_and_data_sets() -> None:
    kinds = {name.kind for name in house.owned_names(SRC).values()}
    assert kinds == {"task", "family", "data set"}  # or there is nothing to look for
    found = outside_names(SRC)
    assert not found, "\n".join(map(str, found))


def texts(numbers: set[int] | frozenset[int], text: str = TEXT) -> list[str]:
    return [text.split("\n")[number - 1].strip() for number in sorted(numbers)]


def test_lines_of_code() -> None:
    assert texts(house.code_lines(house.parse(TEXT))) == [
        "import math  # with a comment",
        'TEXT = """a',
        "# no comment",
        '"""',
        "class Box:",
        "size: int = 0",
        'def grow(self) -> None: "One line."',
        "def root(x: float) -> float:",
        "if x < 0:",
        "raise ValueError(",
        'f"found {x}"',
        ")",
        "return math.sqrt(x)",
    ]


def test_lines_of_comments() -> None:
    found = texts(house.comment_lines(house.parse(TEXT)))
    assert found == ["# A comment", "# and another", "# negative", "# a comment is no code"]


def test_lines_that_raise() -> None:
    assert texts(house.raise_lines(house.parse(TEXT))) == ["raise ValueError(", 'f"found {x}"', ")"]


def test_lines_that_call_the_helper() -> None:
    text = """
def refuse(what): ...
refused = refuse
x = y or refuse(
    "y"
)
if errors.refusal(x):
    pass
raise refusal(
    "x"
)
raise ValueError
"""
    source = house.parse(text)
    assert texts(house.refusal_lines(source), text) == [
        "x = y or refuse(",
        '"y"',
        ")",
        "if errors.refusal(x):",
        "raise refusal(",
        '"x"',
        ")",
    ]
    assert len(house.raise_lines(source)) == 4


def test_functions_are_measured_without_decorators_and_docstrings() -> None:
    text = '''
@cache
def outer():
    """Two
    lines."""
    async def inner(): return 1

    return inner
class C:
    def method(self,
               x): pass
'''
    assert house.functions(house.parse(text).tree) == [
        Function("outer", 3, 4),
        Function("inner", 6, 1),
        Function("method", 10, 2),
    ]


def test_percentile() -> None:
    assert house.percentile(range(1, 11), 90) == 9
    assert house.percentile([5, 1], 90) == 5
    assert house.percentile([], 90) == 0


def test_rooms_hold_the_files_directly_in_them() -> None:
    paths = ["__init__.py", "a/__init__.py", "a/x.py", "a/y.py", "a/b/z.py", "top.py"]
    assert house.rooms(paths) == {".": 1, "a": 2, "a/b": 1}


@pytest.fixture
def src(tmp_path: Path) -> Path:
    for path in (
        "tasks/classification/__init__.py",
        "tasks/_shared/__init__.py",
        "tasks/known.py",
        "spaces/cells/__init__.py",
        "spaces/autoencoders/__init__.py",
        "spaces/__init__.py",
        "data/sets/__init__.py",
        "data/sets/fashion_mnist.py",
        "data/sets/folder.py",
    ):
        write(tmp_path, path, "x = 'classification, cells, fashion-mnist'")
    write(tmp_path, "data/sets/__init__.py", "")
    write(tmp_path, "data/sets/fashion_mnist.py", "from pdas.data.sets import folder")
    write(tmp_path, "data/sets/folder.py", "NAME = 'fashion-mnist'")
    return tmp_path


def write(src: Path, path: str, text: str) -> None:
    (src / path).parent.mkdir(parents=True, exist_ok=True)
    (src / path).write_text(text)


def found(src: Path, text: str, path: str = "run.py") -> list[str]:
    write(src, path, text)
    return [outside.name for outside in outside_names(src)]


def test_names_are_discovered(src: Path) -> None:
    assert set(house.owned_names(src).values()) == {
        Name("task", "classification"),
        Name("family", "cells"),
        Name("family", "autoencoders"),
        Name("data set", "fashion_mnist"),
        Name("data set", "folder"),
    }


def test_without_rooms_there_are_no_names(tmp_path: Path) -> None:
    assert house.owned_names(tmp_path) == {}
    assert found(tmp_path, "cells = 1") == []


def test_owners_may_name(src: Path) -> None:
    assert outside_names(src) == []
    assert found(src, "x = 'cells'", "recipes/load.py") == []
    assert found(src, "x = 'cells'", "data/sets/folder.py") == ["cells"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("from pdas.spaces.cells import x", "cells"),
        ("from pdas.spaces import cells", "cells"),
        ("import pdas.spaces.autoencoders as a", "autoencoders"),
        ("from pdas.x import CellSupernet", "cells"),
        ("from pdas.x import y as Cells", "cells"),
        ("from pdas.data.sets import folder", "folder"),
        ("from pdas.data.sets.folder import load", "folder"),
        ("def f(): import pdas.data.sets.folder", "folder"),
        ("max_cells = 1", "cells"),
        ("x.cell", "cells"),
        ("f(cell=1)", "cells"),
        ("def f(cell): pass", "cells"),
        ("def f():\n    global autoencoder", "autoencoders"),
        ("class HTMLCell: pass", "cells"),
        ("class Classification2: pass", "classification"),
        ("x = 'one of cells, chain'", "cells"),
        ("x = f'{y} classification'", "classification"),
        ("x: 'Cell'", "cells"),
        ("FashionMNIST", "fashion_mnist"),
        ("fashion_mnist()", "fashion_mnist"),
        ("x = 'inpaint-fashion-mnist'", "fashion_mnist"),
        ("x = 'Fashion-MNIST is missing'", "fashion_mnist"),
        ("x = 'folder'", "folder"),
    ],
)
def test_a_name_is_found(src: Path, text: str, name: str) -> None:
    assert found(src, text) == [name]


@pytest.mark.parametrize(
    "text",
    [
        "# cells",
        "'''About cells.'''",
        "def f():\n    '''About cells.'''",
        "x: int = 0\n'''Of cells.'''",
        "cancels = excellent = 1",
        "classifications = classified = 1",
        "folder = 1",
        "x = 'no such folder'",
        "from pdas.files import folder",
        "fashion = mnist",
        "x = b'cells'",
    ],
)
def test_no_name_is_found(src: Path, text: str) -> None:
    assert found(src, text) == []


def test_a_place_is_told_once(src: Path) -> None:
    write(src, "__init__.py", "\nfrom pdas.spaces.cells import Cell, CellSpace")
    outside = outside_names(src)
    assert outside == [Outside("__init__.py", 2, "family", "cells", "pdas.spaces.cells.Cell")]
    assert str(outside[0]) == "__init__.py:2: family cells, in 'pdas.spaces.cells.Cell'"


def table(*arguments: str) -> str:
    script = str(ROOT / "tools" / "house.py")
    done = subprocess.run([sys.executable, script, *arguments], check=True, stdout=subprocess.PIPE)
    return done.stdout.decode()


def test_the_table(src: Path) -> None:
    for i in range(16):
        write(src, f"many/m{i}.py", "def f():\n" + "    x = 1\n" * 40 if i == 3 else "cells = 1")
    write(src, "long.py", "x = 1\n" * 298 + "if x:\n    raise ValueError\n# end\n")
    write(src, "broken.py", "def")
    rows = [" ".join(line.split()) for line in table(str(src)).splitlines()]
    code = 300 + 15 + 41 + 6 + 2
    assert rows == [
        "not parsed: broken.py",
        f"lines of code: {code} in 26 files",
        "refusals: 0.3 % in raise (1 lines)",
        "0.0 % in calls of refuse or refusal (0 lines, 0 of them in raise)",
        "comments: 0.3 lines per 100 lines of code",
        "rooms: 9, the largest many with 16 files",
        "rooms above 15 files: 1",
        "many: 16",
        "files above 300 lines: 1",
        "long.py: 301",
        "functions: 1, median 41 lines, 90th percentile 41",
        "functions above 40 lines: 1",
        "many/m3.py:1 f: 41",
        "files that name what they do not own: 15",
        *sorted(f"many/m{i}.py: family cells (1)" for i in range(16) if i != 3),
    ]


def test_the_table_of_nothing(tmp_path: Path) -> None:
    assert table(str(tmp_path / "missing")).startswith("lines of code: ")


def test_the_table_of_the_package() -> None:
    assert "refusals: " in table()


def test_no_two_files_of_tests_have_one_name() -> None:
    """Their folders are no packages, so that pytest would not collect the second one."""
    names = [file.name for file in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))
