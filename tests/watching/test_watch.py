"""Watching made-up runs to their end, without waiting."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from rich.console import Console

from pdas.runs.progress import FILE, StageProgress
from pdas.support.files import locked_directory
from pdas.watching import watch as watching
from pdas.watching.snapshot import Phase
from pdas.watching.watch import REFRESH, follow, watch

MakeRun = Callable[..., Path]


class Story:
    """Stands in for sleep: what happens to a run between two snapshots, one after the other."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        self.steps: Iterator[Callable[[], object]] = iter(steps)
        self.told = 0

    def __call__(self, seconds: float) -> None:
        next(self.steps)()
        self.told += 1


def begun(run: Path) -> dict[str, str]:
    """Make a finished run one that has just begun; returns what it had, by name."""
    names = ("architecture.json", "search.json")
    content = {name: (run / name).read_text(encoding="utf-8") for name in names}
    for name in names:
        (run / name).unlink()
    return content


def grow_old(run: Path) -> None:
    """Let all files of a run be hours old."""
    for path in run.rglob("*"):
        os.utime(path, ns=(0, 0))


def terminal(width: int = 60, height: int = 30) -> tuple[Console, io.StringIO]:
    stream = io.StringIO()
    return Console(file=stream, force_terminal=True, width=width, height=height), stream


def test_a_run_is_watched_from_before_it_begins_to_its_end(
    make_run: MakeRun, tmp_path: Path
) -> None:
    console, stream = terminal()
    path, work = tmp_path / "later", ExitStack()
    content: dict[str, str] = {}

    def begin() -> None:
        content.update(begun(make_run("later", errors=())))
        progress = StageProgress("steps", 5, 10, 60.0, {"loss": 0.25})
        (path / FILE).write_text(json.dumps(progress.to_json()), encoding="utf-8")
        work.enter_context(locked_directory(path))

    def end() -> None:
        for name, text in content.items():
            (path / name).write_text(text, encoding="utf-8")
        (path / FILE).unlink()
        work.close()
        (path / "report.html").write_text("<!DOCTYPE html>", encoding="utf-8")

    story = Story(lambda: None, begin, lambda: None, end)
    assert watch(path, console, 2.0, story).phase is Phase.FINISHED
    assert story.told == 4
    shown = stream.getvalue()
    moments = [shown.index(text) for text in ("has not begun", "step 5 of 10", "finished")]
    assert moments == sorted(moments)
    assert shown.endswith("\n") and "\x1b[?25h" in shown  # the cursor is back


def test_a_killed_run_ends_the_watching(make_run: MakeRun) -> None:
    run = make_run(errors=())
    begun(run)
    console, stream = terminal()
    assert watch(run, console, 2.0, Story(lambda: grow_old(run))).phase is Phase.STOPPED
    assert "stopped: no process is at work" in stream.getvalue()


@pytest.mark.parametrize(("width", "height"), [(20, 6), (40, 10), (200, 50)])
def test_a_window_of_any_size_is_not_overfull(make_run: MakeRun, width: int, height: int) -> None:
    """Else each snapshot would leave a part of the one before it."""
    run = make_run(errors=())
    begun(run)
    console, stream = terminal(width, height)
    watch(run, console, 2.0, Story(lambda: None, lambda: grow_old(run)))
    frame = stream.getvalue().split("\r")[0]
    assert frame.count("\n") < height


def test_without_a_terminal_the_run_is_shown_once(make_run: MakeRun) -> None:
    run = make_run(errors=())
    begun(run)
    stream = io.StringIO()
    assert watch(run, Console(file=stream, width=60), 2.0, Story()).phase is Phase.RUNS
    assert "\x1b" not in stream.getvalue() and "between two stages" in stream.getvalue()


def test_a_report_is_written_whenever_the_run_changed_and_at_its_end(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(errors=())
    begun(run)
    written: list[int | None] = []
    monkeypatch.setattr(
        watching, "write_report", lambda path, refresh=None: written.append(refresh)
    )
    story = Story(
        lambda: None,
        lambda: (run / "metrics.csv").write_text("step\n1\n", encoding="utf-8"),
        lambda: grow_old(run),
    )
    assert follow(run, 2.0, story).phase is Phase.STOPPED
    assert written == [REFRESH, REFRESH, None]


def test_a_page_loads_itself_again_only_while_the_run_goes_on(
    make_run: MakeRun, tmp_path: Path
) -> None:
    path, pages = tmp_path / "later", []

    def read_page() -> None:
        pages.append((path / "report.html").read_text(encoding="utf-8"))

    def begin() -> None:
        begun(make_run("later", errors=()))

    follow(path, 2.0, Story(begin, read_page, lambda: grow_old(path)))
    read_page()
    refresh = f'<meta http-equiv="refresh" content="{REFRESH}">'
    assert [refresh in page for page in pages] == [True, False]


def test_who_stops_following_leaves_a_page_that_waits_for_none(make_run: MakeRun) -> None:
    run = make_run(errors=())
    begun(run)

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        follow(run, 2.0, Story(interrupt))
    assert "refresh" not in (run / "report.html").read_text(encoding="utf-8")[:4096]
