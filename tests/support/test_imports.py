"""Functions and classes that a setting names as MODULE:NAME."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pdas.support.errors import SettingError
from pdas.support.imports import import_modules, imported, imported_modules

SOURCE = """
from __future__ import annotations
from dataclasses import dataclass

@dataclass
class Evolution:
    seed: int = 3

number = 3
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("module", ["own_of_a_test", "deeper.own_of_a_test"])
def test_a_file_in_the_working_directory(here: Path, module: str) -> None:
    (here / "deeper").mkdir()
    here.joinpath(*module.split(".")).with_suffix(".py").write_text(SOURCE)
    path, modules = list(sys.path), set(sys.modules)
    assert imported(f"{module}:Evolution", "method")().seed == 3
    assert sys.path == path and module not in set(sys.modules) - modules


def test_a_module_that_can_be_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "importable_of_a_test.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    assert imported("importable_of_a_test:Evolution", "method").__name__ == "Evolution"


def refused(name: str, **options: object) -> str:
    with pytest.raises(SettingError) as caught:
        imported(name, "search.method", **options)
    return str(caught.value)


@pytest.mark.parametrize("name", ["evolution", "", ":", "module:", ":Name"])
def test_another_form(name: str) -> None:
    line = f"search.method: found {name!r}, expected MODULE:NAME; write it in this form"
    assert refused(name) == line


def test_what_else_would_do_is_said() -> None:
    assert refused("evolution", noun="class", others=("pdas", "random")) == (
        "search.method: found 'evolution', expected pdas, random or MODULE:CLASS; set it to one of "
        "them"
    )


@pytest.mark.usefixtures("here")
def test_no_such_module() -> None:
    assert refused("nowhere_at_all:Name") == (
        "search.method: found 'nowhere_at_all:Name' (No module named 'nowhere_at_all'), expected "
        "MODULE:NAME; mend nowhere_at_all.py or run where it can be imported"
    )


def test_a_module_that_lacks_one_itself(here: Path) -> None:
    (here / "needy_of_a_test.py").write_text("import nowhere_at_all\n")
    assert "(No module named 'nowhere_at_all')" in refused("needy_of_a_test:Name")


@pytest.mark.parametrize("name", ["Annealing", "number"])
def test_no_such_class(here: Path, name: str) -> None:
    (here / "few_of_a_test.py").write_text(SOURCE)
    assert refused(f"few_of_a_test:{name}", noun="class") == (
        f"search.method: found 'few_of_a_test:{name}', but no class {name} in "
        f"{here / 'few_of_a_test.py'}, expected MODULE:CLASS; define it or name another"
    )


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget afterwards what was imported by request."""
    monkeypatch.setattr("pdas.support.imports._by_request", [])


@pytest.mark.usefixtures("asked")
def test_a_module_by_request_is_kept_and_imported_once(here: Path) -> None:
    (here / "kept_of_a_test.py").write_text(SOURCE)
    import_modules(["kept_of_a_test"])
    module = sys.modules["kept_of_a_test"]
    import_modules(["kept_of_a_test"])
    assert sys.modules["kept_of_a_test"] is module
    assert imported("kept_of_a_test:Evolution", "method") is module.Evolution
    assert imported_modules() == ("kept_of_a_test",)
    del sys.modules["kept_of_a_test"]


@pytest.mark.usefixtures("asked")
def test_a_module_by_request_that_fails(here: Path) -> None:
    (here / "fails_of_a_test.py").write_text("1 / 0\n")
    with pytest.raises(SettingError) as caught:
        import_modules(["fails_of_a_test"])
    assert str(caught.value) == (
        "--import: found 'fails_of_a_test' (division by zero), expected a module; mend "
        "fails_of_a_test.py or run where it can be imported"
    )
    assert imported_modules() == () and "fails_of_a_test" not in sys.modules
