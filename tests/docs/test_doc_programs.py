"""The programs in the documents run as they stand, page by page.

Names that a page takes for the reader's own, as `net`, `loss` and `data`, are those of `own_names`.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from sklearn.datasets import load_digits
from torch.utils.data import TensorDataset

import pdas
from pdas.nn import Choice, Linear, Supernet, Value
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
    "docs/public-models.md": "tests/strangers/networks/test_public_models.py",
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
        if is_run:
            exec(code, own_names)
        else:
            assert list(unknown_names(block)) == []


@pytest.mark.parametrize("page", ELSEWHERE)
def test_a_page_that_is_run_elsewhere_has_programs_and_that_test(page: str) -> None:
    assert programs((ROOT / page).read_text())
    test = (ROOT / ELSEWHERE[page]).read_text()
    name = Path(page).stem
    assert name in test or "PAGES" in test or "rows" in test


def unknown_names(block: str) -> Iterator[str]:
    """What a program takes from this project that is not there."""
    for node in ast.walk(ast.parse(block)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "pdas":
            module = importlib.import_module(str(node.module))
            yield from (a.name for a in node.names if not hasattr(module, a.name))
        elif isinstance(node, ast.Attribute):
            path = dotted(node)
            if path.startswith("pdas.") and not is_there(path):
                yield path


def dotted(node: ast.expr) -> str:
    """`pdas.nn.Choice` of such an expression; empty of any other."""
    if isinstance(node, ast.Name):
        return node.id
    return f"{dotted(node.value)}.{node.attr}" if isinstance(node, ast.Attribute) else ""


def is_there(path: str) -> bool:
    value: Any = pdas
    for name in path.split(".")[1:]:
        if not hasattr(value, name):
            return False
        value = getattr(value, name)
    return True


@pytest.mark.parametrize(
    "block", ["import pdas\npdas.serch(net)", "from pdas.nn import Choise", "pdas.nn.Linea(3, 4)"]
)
def test_a_wrong_name_is_found(block: str) -> None:
    assert list(unknown_names(block))


def test_a_program_after_its_mark_is_not_run_and_others_are() -> None:
    text = "```python\n1\n```\n\n<!-- not run: why -->\n```python\n2\n```\n\n```py\n3\n```\n"
    assert programs(text) == [("1\n", True), ("2\n", False)]
