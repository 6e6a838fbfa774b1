"""What is built for others: a file that is missing is seen, and the citation names this version."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

import yaml

import pdas
from tools.package import differences

ROOT = Path(__file__).resolve().parents[1]
FILES = {"pdas/__init__.py", "pdas/recipes/digits.yaml"}


def test_the_files_of_a_wheel_are_compared(tmp_path: Path) -> None:
    wheel = tmp_path / "pdas-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in (*FILES, "pdas-1.dist-info/METADATA"):
            archive.writestr(name, "")
    assert differences(wheel, FILES) == []
    assert differences(wheel, {"pdas/__init__.py", "pdas/page.css"}) == [
        f"{wheel.name} lacks pdas/page.css",
        f"{wheel.name} has pdas/recipes/digits.yaml",
    ]


def test_the_files_of_an_sdist_are_compared(tmp_path: Path) -> None:
    sdist = tmp_path / "pdas-1.tar.gz"
    with tarfile.open(sdist, "w:gz") as archive:
        for name in (*FILES, "PKG-INFO"):
            archive.addfile(tarfile.TarInfo(f"pdas-1/{name}"))
    assert differences(sdist, FILES) == []
    assert differences(sdist, {*FILES, "tests/a.py"}) == [f"{sdist.name} lacks tests/a.py"]


def test_the_citation_is_of_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == pdas.__version__
    assert citation["references"][0]["title"] in (ROOT / "README.md").read_text(encoding="utf-8")
