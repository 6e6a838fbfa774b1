"""What a writer takes back is what it made."""

from __future__ import annotations

from pathlib import Path

import pytest

from pdas.support.errors import RunError
from pdas.support.writing.own_files import OwnFiles


def test_only_files_that_were_not_there_are_taken_back(tmp_path: Path) -> None:
    (tmp_path / "former").write_bytes(b"of the user")
    files = OwnFiles(tmp_path)
    for name in ("former", "new", "new"):
        with files.write(name) as file:
            file.write(b"content")
    (tmp_path / "note.txt").touch()
    with pytest.raises(RunError, match=r"nowhere/a: cannot be written"), files.write("nowhere/a"):
        raise AssertionError("not reached")
    files.remove()
    files.remove()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["former", "note.txt"]
