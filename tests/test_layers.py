"""The rooms of the package stand in an order, and each imports only from those below it.

Imports are read from the source, wherever they stand: at the top, in a function, or below
`if TYPE_CHECKING`.
"""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

SRC = Path(__file__).resolve().parents[1] / "src" / "pdas"

# From low to high. A room is a directory or a module directly in the package.
ORDER = (
    "support",
    "space",
    "cost",
    "drawing",
    "distributed",
    "resume",
    "kernels",
    "nn",
    "data",
    "training",
    "methods",
    "spaces",
    "runs",
    "searches",
    "retraining",
    "tasks",
    "recipes",
    "experiment",
    "comparing",
    "report",
    "watching",
    "stages",
    "notebook",
    "cli",
    "testing",
)
EXEMPT = {"pdas", "pdas._version"}  # the public names, and a number
NUMPY_ONLY = ("space", "cost", "methods.pdas", "methods.constraints")
HEAVY = {
    "lightning",
    "lightning_fabric",
    "pytorch_lightning",
    "torch",
    "torchmetrics",
    "torchvision",
}


class Imported(NamedTuple):
    """One imported name; `runs` if importing the module imports it too."""

    module: str
    line: int
    target: str
    runs: bool

    @property
    def place(self) -> str:
        return f"{self.module}:{self.line}"


def modules(src: Path) -> dict[str, Path]:
    """The file of each module by its dotted name."""
    found = {}
    for file in sorted(src.rglob("*.py")):
        parts = file.relative_to(src.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


def imports(src: Path) -> list[Imported]:
    """Every import of every module."""
    found = []
    for module, file in modules(src).items():
        package = module if file.name == "__init__.py" else module.rpartition(".")[0]
        for node, runs in _import_nodes(ast.parse(file.read_text(encoding="utf-8")), True):
            targets = _targets(node, package)
            found += [Imported(module, node.lineno, target, runs) for target in targets]
    return found


def _import_nodes(node: ast.AST, runs: bool) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield node, runs
    inner = runs and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    typing = isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
    for field, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _import_nodes(child, inner and not (typing and field == "body"))


def _targets(node: ast.Import | ast.ImportFrom, package: str) -> list[str]:
    """The dotted names, `from a import b` as "a.b": b may be a module."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    base = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
    start = ".".join([*base, *([node.module] if node.module else [])])
    return [f"{start}.{alias.name}" for alias in node.names]


def room(target: str, known: dict[str, Path]) -> str | None:
    """The room of a dotted name; "" of a name of `pdas/__init__.py`; None if it is not ours."""
    package, *rest = target.split(".")
    if package != "pdas":
        return None
    return rest[0] if rest and f"pdas.{rest[0]}" in known else ""


def between_rooms(src: Path) -> Iterator[tuple[Imported, str, str]]:
    """The imports of one room by another, with both rooms: who imports, and what."""
    known = modules(src)
    for imported in imports(src):
        above, below = room(imported.module, known), room(imported.target, known)
        exempt = imported.module in EXEMPT or imported.target.startswith("pdas._version")
        if above and below is not None and above != below and not exempt:
            yield imported, above, below


def strangers(src: Path, order: tuple[str, ...]) -> list[str]:
    """What to say of the rooms that are not in the order."""
    rooms = sorted({name.split(".")[1] for name in modules(src) if name not in EXEMPT})
    return [
        f"room {name} is not in ORDER: say where it stands" for name in rooms if name not in order
    ]


def upward(src: Path, order: tuple[str, ...]) -> list[str]:
    """What to say of the imports of a room by one that does not stand above it."""
    rank = {name: i for i, name in enumerate(order)}
    said = []
    for imported, above, below in between_rooms(src):
        if not below:
            said.append(f"{imported.place}: {above} imports a name of pdas/__init__.py")
        elif above in rank and below in rank and rank[below] > rank[above]:
            said.append(f"{imported.place}: {above} imports {below}, which stands above it")
    return said


def circle(src: Path) -> list[str]:
    """The rooms of one circle, each importing the next; none if there is no circle."""
    graph: dict[str, set[str]] = {}
    for _, above, below in between_rooms(src):
        graph.setdefault(above, set()).add(below)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


def heavy(src: Path, start: str) -> list[str]:
    """What to say where a module, or what it imports when it is imported, imports torch.

    In the room itself an import within a function counts too; beyond it, only what runs.
    """
    known = modules(src)
    own = [name for name in known if f"{name}.".startswith(f"pdas.{start}.")]
    assert own, f"{start} is in NUMPY_ONLY and not in the package"
    chains = {name: name for name in own}
    said, waiting = [], deque(own)
    every = imports(src)
    while waiting:
        module = waiting.popleft()
        for imported in (i for i in every if i.module == module and (i.runs or module in own)):
            if imported.target.split(".")[0] in HEAVY:
                said.append(f"{chains[module]}:{imported.line} imports {imported.target}")
            for name in _imported_modules(imported, known) if imported.runs else []:
                if name not in chains:
                    chains[name] = f"{chains[module]}:{imported.line} -> {name}"
                    waiting.append(name)
    return said


def _imported_modules(imported: Imported, known: dict[str, Path]) -> list[str]:
    """The module and the packages it is in, whose `__init__.py` run first, but that of pdas."""
    parts = imported.target.split(".")
    names = [".".join(parts[:end]) for end in range(2, len(parts) + 1)]
    return [name for name in names if name in known]


def test_every_room_stands_in_the_order() -> None:
    said = strangers(SRC, ORDER)
    assert not said, "\n".join(said)


def test_rooms_import_from_below() -> None:
    said = upward(SRC, ORDER)
    assert not said, "\n".join(said)


def test_no_rooms_import_each_other_in_a_circle() -> None:
    found = circle(SRC)
    assert not found, " -> ".join(found)


@pytest.mark.parametrize("start", NUMPY_ONLY)
def test_arithmetic_needs_no_torch(start: str) -> None:
    said = heavy(SRC, start)
    assert not said, "\n".join(said)


@pytest.fixture
def src(tmp_path: Path) -> Path:
    """Two rooms in order: high imports low."""
    src = tmp_path / "pdas"
    write(src, "__init__", "from pdas.high import top\nfrom pdas.low import a")
    write(src, "_version", "__version__ = '1'")
    write(src, "low/__init__", "")
    write(
        src, "low/a", "import numpy\nfrom pdas._version import __version__\nfrom pdas.low import b"
    )
    write(src, "low/b", "")
    write(src, "high", "import torch\nfrom pdas.low.a import x\nfrom pdas import low")
    return src


def write(src: Path, module: str, text: str) -> None:
    file = src / f"{module}.py"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_a_tree_in_order_passes(src: Path) -> None:
    assert strangers(src, ("low", "high")) == upward(src, ("low", "high")) == circle(src) == []
    assert heavy(src, "low") == []


@pytest.mark.parametrize(
    "text",
    [
        "from pdas.high import x",
        "import pdas.high as h",
        "from pdas import high",
        "from ..high import x",
        "from .. import high",
        "def f():\n    from pdas.high import x",
        "class C:\n    async def f(self):\n        import pdas.high",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from pdas.high import x",
        "import typing\nif typing.TYPE_CHECKING:\n    from pdas.high import x",
        "try:\n    import pdas.high\nexcept ImportError:\n    pass",
    ],
)
def test_an_import_from_above_is_found_wherever_it_stands(src: Path, text: str) -> None:
    write(src, "low/b", text)
    line = text.count("\n", 0, text.index("high")) + 1
    expected = [f"pdas.low.b:{line}: low imports high, which stands above it"]
    assert upward(src, ("low", "high")) == expected
    assert sorted(set(circle(src))) == ["high", "low"]


def test_the_order_decides(src: Path) -> None:
    said = upward(src, ("high", "low"))
    assert said == [
        "pdas.high:2: high imports low, which stands above it",
        "pdas.high:3: high imports low, which stands above it",
    ]


def test_a_name_of_the_whole_package_is_above_every_room(src: Path) -> None:
    write(src, "high", "from pdas import top")
    assert upward(src, ("low", "high")) == ["pdas.high:1: high imports a name of pdas/__init__.py"]


def test_a_room_that_is_not_in_the_order_is_named(src: Path) -> None:
    assert strangers(src, ("low",)) == ["room high is not in ORDER: say where it stands"]


def test_a_circle_of_three_is_found(src: Path) -> None:
    write(src, "middle", "from pdas.high import x")
    write(src, "low/b", "from pdas.middle import x")
    found = circle(src)
    assert found[0] == found[-1] and set(found) == {"high", "low", "middle"}
    following = {"high": "low", "low": "middle", "middle": "high"}
    assert all(following[a] == b for a, b in pairwise(found))


def test_torch_is_found_in_a_room_and_behind_its_imports(src: Path) -> None:
    write(src, "low/b", "def f():\n    import torch.nn")
    assert heavy(src, "low") == ["pdas.low.b:2 imports torch.nn"]
    write(src, "low/b", "from pdas.high import x")
    assert heavy(src, "low") == ["pdas.low.b:1 -> pdas.high:1 imports torch"]
    assert heavy(src, "low.a") == ["pdas.low.a:3 -> pdas.low.b:1 -> pdas.high:1 imports torch"]


def test_torch_is_found_in_the_package_of_an_imported_module(src: Path) -> None:
    write(src, "heavy/__init__", "from lightning_fabric import Fabric")
    write(src, "heavy/light", "")
    write(src, "low/b", "from pdas.heavy.light import x")
    expected = ["pdas.low.b:1 -> pdas.heavy:1 imports lightning_fabric.Fabric"]
    assert heavy(src, "low") == expected


def test_behind_a_room_only_what_runs_counts(src: Path) -> None:
    write(src, "low/b", "from pdas.high import x\nfrom pdas.lowest import y")
    write(src, "high", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch")
    write(src, "lowest", "def f():\n    import torch")
    assert heavy(src, "low") == []


def test_a_room_of_numpy_that_is_gone_is_named(src: Path) -> None:
    with pytest.raises(AssertionError, match="gone is in NUMPY_ONLY"):
        heavy(src, "gone")
