"""docs/testing.md does what it says, in a process as a user's."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from separate import run_pytest

DOCS = Path(__file__).parents[2] / "docs" / "testing.md"
BLOCKS = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)

BAD = """
class TestBad(OptimizerTests):
    @pytest.fixture
    def make(self):
        class Bad(pdas.PDAS):
            def ask(self, n=None):
                return super().ask(3)
        return lambda space, seed: Bad(space, seed=seed)
"""


def test_its_examples_pass_without_a_warning(tmp_path: Path) -> None:
    file = tmp_path / "test_mine.py"
    file.write_text("\n".join(BLOCKS), encoding="utf-8")
    output = run_pytest(file.parent, file.name, "-W", "error", "-rs")
    assert re.search(r"\n=+ \d+ passed, 4 skipped in", output), output
    assert "Net has no forward_many" in output and "Net has no active" in output


def test_a_failed_assertion_shows_its_values(tmp_path: Path) -> None:
    file = tmp_path / "test_bad.py"
    file.write_text(BLOCKS[0] + BAD, encoding="utf-8")
    output = run_pytest(file.parent, file.name, "-k", "TestBad and test_ask_gives")
    assert "assert [3, 3, 3] == [1, 2, 7]" in output


def test_pdas_itself_does_not_import_pytest() -> None:
    code = "import pdas, sys; sys.exit('pytest' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
