"""The programs in the documents run as they stand, page by page.

Names that a page takes for the reader's own, as `net`, `loss` and `data`, are those of `own_names`.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import torch
from sklearn.datasets import load_digits
from torch.utils.data import TensorDataset

import pdas
from pdas.nn import Choice, Linear, Supernet, Value
from pdas.retraining.settings import NetworkTrainingSettings
from pdas.runs.run import Run
from tests.docs.pages import PAGES, ROOT, name_of, programs

# Pages with a test of their own, which runs their programs.
ELSEWHERE = {
    "README.md": "tests/test_readme.py",
    "docs/export.md": "tests/test_readme.py",
    "docs/recipes.md": "tests/test_readme.py",
    "docs/networks.md": "tests/test_readme.py",
    "docs/trained-networks.md": "tests/test_readme.py",
    "docs/tabular.md": "tests/test_readme.py",
    "docs/python.md": "tests/test_readme.py",
    "docs/algorithm.md": "tests/test_algorithm.py",
    "docs/adding-a-cost.md": "tests/test_adding.py",
    "docs/adding-a-method.md": "tests/test_adding.py",
    "docs/adding-a-task.md": "tests/test_adding.py",
    "docs/adding-an-optimizer-of-weights.md": "tests/test_adding.py",
    "docs/adding-a-data-set.md": "tests/data/test_data_set_docs.py",
    "docs/adding-an-architecture-family.md": "tests/spaces/test_family_docs.py",
    "docs/testing.md": "tests/testing/test_testing_docs.py",
    "docs/public-models.md": "tools/public_models.py",  # which writes it from rows that are run
}
# What else these take by name.
SETTINGS = {
    pdas.search: pdas.SearchSettings.model_fields,
    pdas.retrain: NetworkTrainingSettings.model_fields,
}
HERE = [page for page in PAGES if programs(page.read_text()) and name_of(page) not in ELSEWHERE]


@pytest.fixture
def own_names(finished: Run) -> dict[str, Any]:
    """A network, a loss and data that are small, an optimizer, and a finished run."""
    torch.manual_seed(0)
    width = Value("width", [4, 16])
    activation = Choice("activation", {"relu": torch.nn.ReLU(), "tanh": torch.nn.Tanh()})
    net = Supernet(torch.nn.Sequential(Linear(64, width), activation, Linear(width, 10)))
    x, y = map(torch.tensor, load_digits(return_X_y=True))

    def loss(model: Any, batch: Any) -> torch.Tensor:
        return torch.nn.functional.cross_entropy(model(batch[0]), batch[1])

    return {
        "pdas": pdas,
        "torch": torch,
        "net": net,
        "loss": loss,
        "data": TensorDataset((x / 16).float()[:300], y[:300]),
        "x": x[:1].float(),
        "space": net.space,
        "optimizer": pdas.PDAS(net.space, seed=0),
        "executor": ThreadPoolExecutor(1),
        "run": finished,
    }


@pytest.mark.parametrize("page", HERE, ids=name_of)
def test_the_programs_of_a_page_run(
    page: Path, own_names: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for block, is_run in programs(page.read_text()):
        code = compile(block, name_of(page), "exec")
        assert list(faults(block)) == []
        if is_run:
            exec(code, own_names)


@pytest.mark.parametrize("page", ELSEWHERE)
def test_a_page_that_is_run_elsewhere_has_programs_and_that_test(page: str) -> None:
    assert programs((ROOT / page).read_text())
    assert is_named(Path(page).name, (ROOT / ELSEWHERE[page]).read_text())


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_names_in_a_sentence_are_there(page: Path) -> None:
    assert {found for found in spoken_names(page.read_text()) if not is_there(found)} == set()


def faults(block: str) -> Iterator[str]:
    """What a program takes from this project, or hands to it, that is not there."""
    tree = ast.parse(block)
    known: dict[str, Any] = {"pdas": pdas}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "pdas":
            module = importlib.import_module(str(node.module))
            yield from (a.name for a in node.names if not hasattr(module, a.name))
            known |= {a.asname or a.name: getattr(module, a.name, None) for a in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and dotted(node).startswith("pdas."):
            yield from [] if is_there(dotted(node)) else [dotted(node)]
        elif isinstance(node, ast.Call):
            yield from unknown_arguments(node, known)


def unknown_arguments(call: ast.Call, known: dict[str, Any]) -> Iterator[str]:
    """What is wrong with the arguments of a call of something that is known by its name."""
    first, *rest = dotted(call.func).split(".")
    function = known.get(first)
    for name in rest if first in known else []:
        function = getattr(function, name, None)
    starred = any(isinstance(a, ast.Starred) for a in call.args)
    if not callable(function) or starred or not all(k.arg for k in call.keywords):
        return
    named = {str(keyword.arg): keyword for keyword in call.keywords}
    try:
        bound = inspect.signature(function).bind(*call.args, **named)
    except TypeError as error:
        yield f"{dotted(call.func)}: {error}"
    else:
        settings = SETTINGS.get(function, {})
        further = bound.kwargs.keys() - inspect.signature(function).parameters.keys()
        yield from (name for name in further if settings and name not in settings)


def is_named(page: str, code: str) -> bool:
    """Whether code has the name of a page, or a pattern of it, as a whole text."""
    texts = (node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Constant))
    return any(fnmatch(page, node.value) for node in texts if isinstance(node.value, str))


def spoken_names(text: str) -> set[str]:
    """The names of this project that a sentence has as code: `pdas.nn.Choice(...)`."""
    return set(re.findall(r"(?<!`)`(pdas(?:\.[A-Za-z_]\w*)+)", text))


def dotted(node: ast.expr) -> str:
    """`pdas.nn.Choice` of such an expression; empty of any other."""
    if isinstance(node, ast.Name):
        return node.id
    return f"{dotted(node.value)}.{node.attr}" if isinstance(node, ast.Attribute) else ""


def is_there(path: str) -> bool:
    try:
        pkgutil.resolve_name(path)
    except (ImportError, AttributeError):
        return False
    return True


@pytest.mark.parametrize(
    "block",
    [
        "import pdas\npdas.serch(net)",
        "from pdas.nn import Choise",
        "pdas.nn.Linea(3, 4)",
        "pdas.search(net, loss, data, epoch=3)",
        "from pdas.nn import Value as V\nV('width', [2, 3], 4, 5, 6, 7)",
    ],
)
def test_a_fault_is_found(block: str) -> None:
    assert list(faults(block))


def test_a_page_that_no_text_of_a_test_names_is_found() -> None:
    code = '"""Tests of data.md and of any *.md."""\nPAGES = (DOCS / "adding-*.md", "export.md")\n'
    assert is_named("adding-a-cost.md", code) and is_named("export.md", code)
    assert not is_named("data.md", code)


def test_a_wrong_name_in_a_sentence_is_found() -> None:
    (name,) = spoken_names("Call `pdas.serch(net)`, then again.")
    assert not is_there(name)


def test_a_program_after_its_mark_is_not_run_and_others_are() -> None:
    text = "```python\n1\n```\n\n<!-- not run: why -->\n```python\n2\n```\n\n```py\n3\n```\n"
    assert programs(text) == [("1\n", True), ("2\n", False)]
