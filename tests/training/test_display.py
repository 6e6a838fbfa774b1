"""The bar of a training that was started from Python."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss
from torch.utils.data import TensorDataset

import pdas
from pdas.nn import Linear, Value
from pdas.training.display import displayed, showing
from pdas.training.loop import Progress

SETTINGS: dict[str, Any] = {"steps": 20, "batch_size": 20, "finalists": 2, "warmup": 0}


def loss(model: Any, batch: tuple[Tensor, Tensor]) -> Tensor:
    return mse_loss(model(batch[0]), batch[1])


def search(**arguments: Any) -> pdas.SearchResult:
    """A search of a few steps."""
    width = Value("width", [2, 4])
    net = pdas.nn.Supernet(nn.Sequential(Linear(3, width), Linear(width, 1)))
    x = torch.randn(40, 3, generator=torch.Generator().manual_seed(0))
    return pdas.search(net, loss, TensorDataset(x, x[:, :1]), **SETTINGS, **arguments)


class Stream(io.StringIO):
    """A text stream that is a terminal or not."""

    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@pytest.fixture
def standard_error(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], Stream]:
    """Makes standard error a stream that is a terminal or not."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)

    def make(terminal: bool) -> Stream:
        stream = Stream(terminal)
        monkeypatch.setattr(sys, "stderr", stream)
        return stream

    return make


def test_a_search_in_a_terminal_shows_a_bar(
    standard_error: Callable[[bool], Stream], capsys: pytest.CaptureFixture[str]
) -> None:
    stream = standard_error(True)
    printed = []
    search(on_step=lambda progress: printed.append(print(progress.step)))
    shown = stream.getvalue()
    assert "search" in shown and "trainings of finalists" in shown
    # What is printed meanwhile is for another stream than the bar.
    assert capsys.readouterr().out.split() == [str(step + 1) for step in range(len(printed))]


@pytest.mark.parametrize(("terminal", "progress"), [(False, True), (True, False)])
def test_nothing_is_shown_where_there_is_no_terminal_or_none_is_wanted(
    standard_error: Callable[[bool], Stream], terminal: bool, progress: bool
) -> None:
    stream = standard_error(terminal)
    search(progress=progress)
    assert stream.getvalue() == ""


def test_a_training_of_ones_own_network_shows_a_bar_too(
    standard_error: Callable[[bool], Stream],
) -> None:
    x = torch.ones(4, 1)
    settings: dict[str, Any] = {"steps": 1, "batch_size": 2}
    for progress in (True, False):
        stream = standard_error(True)
        data = TensorDataset(x, x)
        pdas.retrain(nn.Linear(1, 1), loss, data, progress=progress, **settings)
        assert ("retrain" in stream.getvalue()) == progress


def test_a_notebook_is_taken_for_a_terminal(
    standard_error: Callable[[bool], Stream], monkeypatch: pytest.MonkeyPatch
) -> None:
    """There standard error is no terminal, and a line that returns to its start is shown."""
    stream = standard_error(False)
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    with displayed("search") as show:
        show(1, 2, "loss 1.5", None)
    assert "\r" in stream.getvalue() and "loss 1.5" in stream.getvalue()


def test_other_ranks_show_nothing(
    standard_error: Callable[[bool], Stream], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = standard_error(True)
    monkeypatch.setattr("pdas.training.display.rank", lambda: 1)
    with displayed("search") as show:
        show(1, 2, "loss 1.5", None)
    assert stream.getvalue() == ""


def test_a_step_is_shown_and_told() -> None:
    shown: list[tuple[int, int, str, float | None]] = []
    told: list[Progress] = []
    progress = Progress(3, 1, 9, {"loss": 0.25}, None, 1.0, 2.0)
    on_step = showing(lambda *step: shown.append(step), lambda p: told.append(p) or True)
    assert on_step(progress) is True  # what the user's own function returns
    assert shown == [(3, 9, "loss 0.2500", 2.0)]
    assert told == [progress]


def test_the_time_left_passes_between_steps_and_stays_without_a_new_forecast(
    standard_error: Callable[[bool], Stream], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, now = standard_error(True), [1000.0]
    monkeypatch.setattr("pdas.training.display.time.monotonic", lambda: now[0])
    with displayed("search") as show:
        show(1, 2, "", 90.0)
        now[0] += 40.0
        show(1, 2, "", None)
    assert "about 50 s left" in stream.getvalue()
    with displayed("search") as show:
        show(1, 2, "", 90.0)
        show(2, 2, "", 0.0)
    assert "left" not in stream.getvalue().splitlines()[-1]


def test_measures_are_no_markup(standard_error: Callable[[bool], Stream]) -> None:
    stream = standard_error(True)
    with displayed("search[/b]") as show:
        show(1, 2, "loss[x] [/b] 1", 30.0)
    assert "search[/b]" in stream.getvalue() and "loss[x] [/b] 1" in stream.getvalue()
