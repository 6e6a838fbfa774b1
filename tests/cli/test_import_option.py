"""`pdas --import MODULE`: what a module registers is there in this process, ranks and workers."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pdas import __version__
from tests.cli.conftest import CHANGES, Pdas

OWN = """
from typing import Literal

from pdas.methods.components import METHODS
from pdas.methods.random import Random


@METHODS.named("own")
class Own(Random):
    name: Literal["own"] = "own"
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a module of the user's."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own_of_a_user.py").write_text(OWN)
    return tmp_path


def script(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the installed script, which does not have the working directory on its path."""
    pdas = shutil.which("pdas", path=str(Path(sys.executable).parent))
    assert pdas is not None
    return subprocess.run([pdas, *words], capture_output=True, text=True)


def with_own(*words: str) -> subprocess.CompletedProcess[str]:
    return script("--import", "own_of_a_user", *words, *CHANGES, "--set", "search.method=own")


def test_the_ranks_of_a_run_import_it(here: Path) -> None:
    done = with_own("search", "digits", "--out", "run", "--devices", "2", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads((here / "run" / "search.json").read_text())["method"] == "own"


def test_the_workers_of_a_sweep_import_it(here: Path) -> None:
    done = with_own("sweep", "digits", "--out", "swept", "--seeds", "1", "--workers", "1")
    assert done.returncode == 0, done.stderr
    assert json.loads((here / "swept" / "sweep.json").read_text())["failed"] == {}


def test_without_it_the_name_is_unknown(here: Path) -> None:
    done = script("search", "digits", "--set", "search.method=own")
    assert done.returncode == 2 and "search.method: found 'own', expected one of" in done.stderr


def test_a_module_that_is_not_there_is_one_line(pdas: Pdas) -> None:
    status, _, err = pdas("--import", "not_there_at_all", "recipes")
    assert status == 2 and err == (
        "pdas: --import: found 'not_there_at_all' (No module named 'not_there_at_all'), expected a "
        "module; correct not_there_at_all.py or run where it can be imported\n"
    )


def test_the_version(pdas: Pdas) -> None:
    assert pdas("--version") == (0, f"pdas {__version__}\n", "")
