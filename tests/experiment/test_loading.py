"""No file that the library reads can run code."""

from __future__ import annotations

import ast
from pathlib import Path

SOURCES = sorted(
    file
    for file in (Path(__file__).parents[2] / "src").rglob("*.py")
    if file.parent.name != "testing"  # which pickles networks of its own making
)


def calls() -> list[tuple[str, ast.Call]]:
    nodes = [node for file in SOURCES for node in ast.walk(ast.parse(file.read_text("utf-8")))]
    return [(ast.unparse(node.func), node) for node in nodes if isinstance(node, ast.Call)]


def test_torch_loads_weights_only() -> None:
    loads = [call for name, call in calls() if name == "torch.load"]
    assert loads
    for call in loads:
        assert "weights_only=True" in map(ast.unparse, call.keywords), ast.unparse(call)


def test_nothing_else_unpickles() -> None:
    names = {name for name, _ in calls()}
    assert not names & {"torch.jit.load", "yaml.load", "yaml.unsafe_load", "joblib.load"}
    # The ranks of one run send each other messages, which come from no file.
    others = [file for file in SOURCES if file.parts[-2:] != ("exchange", "messages.py")]
    text = "".join(file.read_text("utf-8") for file in others)
    assert "import pickle" not in text and "allow_pickle=True" not in text
