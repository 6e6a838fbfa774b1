"""Progress: a bar on a terminal, a few plain lines anywhere else; and logs as lines."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Iterator

import pytest

from pdas.cli.progress import Lines, logs_of_command, progress_of, show_logs, show_wait
from pdas.support.errors import SettingError
from pdas.training.display import Bar


def clock(seconds: float) -> Iterator[float]:
    """Times that are so far apart."""
    now = 0.0
    while True:
        yield now
        now += seconds


def test_lines_come_first_last_and_every_ten_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    show = Lines("search", clock(4.0).__next__)
    for step in range(1, 9):
        show(step, 8, f"loss {step}", 20.0 * (8 - step) if step > 2 else None)
    assert capsys.readouterr().err.splitlines() == [
        "search 1/8  loss 1",
        "search 4/8  loss 4  about 80 s left",
        "search 7/8  loss 7  about 20 s left",
        "search 8/8  loss 8",
    ]


def test_a_single_step_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    Lines("retrain")(1, 1, "loss 1", None)
    assert capsys.readouterr().err == "retrain 1/1  loss 1\n"


@pytest.mark.parametrize("terminal", [True, False])
def test_a_terminal_has_the_bar(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: terminal)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    with progress_of("search") as show:
        assert isinstance(show, Bar if terminal else Lines)
        show(1, 2, "loss 1", None)
    assert "loss 1" in stream.getvalue()
    assert ("\x1b" in stream.getvalue()) == terminal


def test_a_quiet_stage_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_of("search", quiet=True) as show:
        show(1, 2, "loss 1", None)
    assert capsys.readouterr() == ("", "")


def test_logs_are_lines_from_their_level_on(capsys: pytest.CaptureFixture[str]) -> None:
    log = logging.getLogger("pdas.methods.sampled.step")
    logger = logging.getLogger("pdas")
    before = logger.level, logger.handlers
    with logs_of_command():
        for level, expected in (
            ("info", "pdas: a\npdas: b\n"),
            ("warning", "pdas: b\n"),
            ("error", ""),
        ):
            show_logs(level)
            log.info("a")
            log.warning("b")
            assert capsys.readouterr().err == expected
        with pytest.raises(
            SettingError, match="--log-level: found 'loud', expected one of debug, "
        ):
            show_logs("loud")
    assert (logger.level, logger.handlers) == before


@pytest.mark.parametrize("terminal", [True, False])
def test_a_command_whose_output_is_its_result_says_on_a_terminal_alone_that_it_begins(
    terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    show_wait("report of z[/b]\x1b[31m")
    assert capsys.readouterr() == ("", "report of z[/b]\\x1b[31m: loading\n" * terminal)
