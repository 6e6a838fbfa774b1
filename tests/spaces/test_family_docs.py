"""docs/adding-an-architecture-family.md does what it says, in a process as a user's."""

from __future__ import annotations

import re
from pathlib import Path

from tests.testing.separate import run_pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "adding-an-architecture-family.md"
FAMILY, TESTS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_the_family_is_the_one_that_is_searched_and_is_short() -> None:
    assert (ROOT / "tests" / "spaces" / "chain_family.py").read_text(encoding="utf-8") == FAMILY
    assert len(FAMILY.splitlines()) <= 60


def test_its_tests_pass_without_a_warning(tmp_path: Path) -> None:
    (tmp_path / "chain_family.py").write_text(FAMILY, encoding="utf-8")
    file = tmp_path / "test_chain.py"
    file.write_text(TESTS, encoding="utf-8")
    output = run_pytest(file.parent, file.name, "-W", "error", "-rs")
    assert re.search(r"\n=+ \d+ passed, 3 skipped in", output), output
    assert "Chain draws nothing" in output and "Supernet has no forward_many" in output
