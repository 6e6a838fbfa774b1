"""Algorithm 1 on one page: the example runs, and the documentation shows the same loop."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "algorithm_1.py"
PAGE = ROOT / "docs" / "algorithm.md"


def loop() -> str:
    (found,) = re.findall(r"# --- Algorithm 1\n(.*?)# --- end\n", EXAMPLE.read_text(), re.DOTALL)
    return str(found)


def test_the_page_shows_the_loop_of_the_example() -> None:
    assert re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL) == [loop()]


def test_it_is_short_and_has_all_lines_of_the_paper() -> None:
    assert len(loop().splitlines()) <= 20
    numbered = {int(number) for number in re.findall(r"\b(\d+)(?=:|$)", loop(), re.MULTILINE)}
    assert set(range(1, 11)) - {8} <= numbered  # line 8 is the end of the loop


def test_it_finds_a_network_that_learns(tmp_path: Path) -> None:
    names = runpy.run_path(str(EXAMPLE))
    assert names["found"] == names["optimizer"].best()
    assert names["optimizer"].theta["width"].argmax() == 2
    assert names["wrong"] < 0.15
