"""Things by name, found in the files of a room."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pdas.support.errors import SettingError
from pdas.support.registry import Registry

THINGS: Registry[str] = Registry("thing", "things")
FOLDERS: Registry[str] = Registry("thing", "things", folders=True)
FILE = "from test_registry import {0}\n{0}.add({1!r}, {2!r})\n"


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty package, and registries that have not looked into it."""
    package = tmp_path / "things"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "test_registry", sys.modules[__name__])
    for registry in (THINGS, FOLDERS):
        registry.__init__(registry._setting, "things", folders=registry._folders)  # type: ignore[misc]
    yield package
    for name in [name for name in sys.modules if name.split(".")[0] == "things"]:
        del sys.modules[name]


def test_every_file_is_found_and_what_is_added_from_elsewhere(room: Path) -> None:
    for name in ("one", "two"):
        (room / f"{name}.py").write_text(FILE.format("THINGS", name, name.upper()))
    THINGS.add("mine", "MINE")
    assert THINGS.names() == ("mine", "one", "two")
    assert THINGS["two"] == "TWO" and THINGS["mine"] == "MINE" and "one" in THINGS


def test_an_unknown_name_is_refused_with_all_names(room: Path) -> None:
    (room / "one.py").write_text(FILE.format("THINGS", "one", "ONE"))
    with pytest.raises(SettingError, match=r"^thing: found 'other', expected one of one; "):
        THINGS["other"]


def test_files_are_passed_over_where_folders_are_asked_for(room: Path) -> None:
    (room / "heavy.py").write_text("raise AssertionError\n")
    (room / "folder").mkdir()
    (room / "folder" / "__init__.py").write_text(FILE.format("FOLDERS", "folder", "F"))
    assert FOLDERS.names() == ("folder",)


def test_an_import_that_fails_is_tried_again(room: Path) -> None:
    (room / "one.py").write_text("raise KeyboardInterrupt\n")
    THINGS.add("mine", "MINE")
    with pytest.raises(KeyboardInterrupt):
        THINGS.names()
    (room / "one.py").write_text(FILE.format("THINGS", "one", "ONE"))
    import importlib

    importlib.invalidate_caches()
    assert set(THINGS.names()) == {"one", "mine"}
