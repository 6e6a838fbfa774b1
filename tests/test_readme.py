"""The Python of the README runs as it stands there, and does what it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch

README = Path(__file__).parents[1] / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


def run(block: str) -> dict[str, Any]:
    torch.manual_seed(0)  # the example draws its weights as they come
    names: dict[str, Any] = {}
    exec(compile(block, str(README), "exec"), names)
    return names


def test_example_of_a_network_and_data_of_ones_own_is_short_and_learns() -> None:
    example = BLOCKS[0]
    assert len([line for line in example.splitlines() if line and "import" not in line]) <= 15
    names = run(example)
    result = names["result"]
    assert result.history[-1].measures["loss"] < 0.5 * result.history[0].measures["loss"]


def test_example_of_the_optimizer_finds_the_best_architecture() -> None:
    run(BLOCKS[1])
