"""The command line as a user calls it, in this process."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pdas import cli
from tests.conftest import TINY

Pdas = Callable[..., tuple[int, str, str]]
CHANGES = [word for change in TINY for word in ("--set", change)]


@pytest.fixture
def pdas(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Pdas:
    """Call the command line in an empty directory: exit status, output, errors."""
    monkeypatch.chdir(tmp_path)

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["pdas", *map(str, words)])
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        out, err = capsys.readouterr()
        return int(exit_.value.code or 0), out, err

    return call


def interrupt(*args: object, **named: object) -> None:
    """Takes the place of anything that takes long."""
    raise KeyboardInterrupt
