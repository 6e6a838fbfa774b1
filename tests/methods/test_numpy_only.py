"""What needs no network needs no torch, and its examples are right."""

from __future__ import annotations

import doctest
import importlib
import subprocess
import sys

import pytest

MODULES = [
    "pdas.space.architecture",
    "pdas.space.checks",
    "pdas.space.search_space",
    "pdas.space.variables",
    "pdas.cost.base",
    "pdas.cost.factors",
    "pdas.cost.product",
    "pdas.methods.optimizer",
    "pdas.methods.uniform",
    "pdas.methods.evolution.optimizer",
    "pdas.methods.pdas.distribution",
    "pdas.methods.pdas.optimizer",
    "pdas.methods.constraints.limit",
    "pdas.methods.constraints.penalty",
]
HEAVY = ("torch", "lightning_fabric", "matplotlib", "torchmetrics")


def test_they_load_no_torch() -> None:
    rooms = ["pdas.space", "pdas.cost", "pdas.methods.pdas", *MODULES]
    code = f"import sys, {', '.join(rooms)}; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_all_methods_are_found_by_name_without_torch() -> None:
    code = (
        "import sys; from pdas.methods.components import METHODS;"
        "found = [METHODS[name].search for name in METHODS.names()];"
        f"print(len(found) > 5, [m for m in {HEAVY} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True []\n"


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_docstrings(name: str) -> None:
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted > 0 and found.failed == 0
