"""A snapshot of a run as lines of a terminal, of whatever width and height."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from rich.console import Console, ConsoleOptions
from rich.text import Text

from pdas.runs.progress import FINALISTS
from pdas.support.arrays import FloatArray
from pdas.support.errors import printable
from pdas.support.metrics import numbers
from pdas.training.forecast import about
from pdas.watching.snapshot import Phase, Snapshot

QUIET = 10.0  # seconds without news of which nothing is said
_NO_MEASURES = {"step", "epoch", "seconds"}  # columns that are said elsewhere
_NARROW = 34  # columns; below, there is no room for curves and bars
_COLUMN = 48  # columns of the window for a list of variables, where there are several
_LABEL = 8  # columns that a label keeps where there is little room
_CURVE = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class View:
    """A snapshot of a run, for rich.

    Args:
        snapshot: of the run.
        height: of the window, in lines; None shows all.

    Example:
        Console().print(View(Watcher("runs/digits-0").snapshot()))
    """

    snapshot: Snapshot
    height: int | None = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        width, ascii_only = options.max_width, options.ascii_only
        lines = list(_head(self.snapshot, width, ascii_only))
        measures = list(_measures(self.snapshot, width, ascii_only))
        room = math.inf if self.height is None else max(0, self.height - len(lines))
        has_theta = self.snapshot.theta is not None
        kept = measures[: int(min(len(measures), max(room // 2, 1) if has_theta else room))]
        rows = None if self.height is None else max(0, int(room) - len(kept) - 1)
        lines += [*kept, *_theta(self.snapshot, width, rows, ascii_only)]
        for line in lines if self.height is None else lines[: self.height]:
            line.no_wrap = True
            line.truncate(width)
            yield line


def _head(snapshot: Snapshot, width: int, ascii_only: bool) -> Iterator[Text]:
    """The name of the run, where it is, and a bar."""
    title = Text(printable(snapshot.path.name or str(snapshot.path)), style="bold")
    if snapshot.stage:
        title.append(f"  {printable(snapshot.stage)}", style="not bold")
    yield title
    style = {Phase.FINISHED: "green", Phase.STOPPED: "red"}.get(snapshot.phase, "")
    for text in state_texts(snapshot):
        for first in _wrapped(text, width):
            yield Text(first, style=style)
    if snapshot.progress is not None and snapshot.progress.total:
        share = min(1.0, snapshot.progress.done / snapshot.progress.total)
        yield _bar(share, width, ascii_only)


def state_texts(snapshot: Snapshot) -> list[str]:
    """Where a run is, in words, a line each.

    Args:
        snapshot: of the run.
    """
    quiet = _ago(snapshot.silence)
    if snapshot.phase is Phase.NOT_BEGUN:
        return ["has not begun: waits for its config.yaml"]
    if snapshot.phase is Phase.STOPPED:
        return [f"stopped: no process is at work, and no news for {quiet}", *snapshot.damage]
    if snapshot.phase is Phase.FINISHED:
        return ["finished", *snapshot.damage]
    lines = [_progress_text(snapshot)]
    if not snapshot.is_at_work and snapshot.silence > QUIET:
        lines.append(f"no process is at work here; no news for {quiet}")
    elif snapshot.silence > 6 * QUIET:
        lines.append(f"no news for {quiet}")
    return [*lines, *snapshot.damage]


def _progress_text(snapshot: Snapshot) -> str:
    progress = snapshot.progress
    if progress is None:
        return "at work" if snapshot.is_at_work else "between two stages"
    what = "trainings of finalists:" if progress.part == FINALISTS else "step"
    text = f"{what} {progress.done} of {progress.total}"
    is_dead = snapshot.is_at_work is False and snapshot.silence > QUIET
    if progress.seconds_left is None or is_dead:
        return text
    return f"{text}, {about(max(0.0, progress.seconds_left - snapshot.silence))} left"


def _ago(seconds: float) -> str:
    return about(seconds).removeprefix("about ")


def _measures(snapshot: Snapshot, width: int, ascii_only: bool) -> Iterator[Text]:
    """A line for each measure: its name, the last value, its curve over the epochs."""
    columns = {key: values for key, values in snapshot.columns.items() if key not in _NO_MEASURES}
    last = {key: float(values[-1]) for key, values in columns.items() if len(values)}
    if snapshot.progress is not None:
        last |= snapshot.progress.measures
    rows = [
        (printable(metric.label), metric.text(value), columns.get(metric.key, np.empty(0)))
        for metric, value in numbers(last, snapshot.metrics)
        if math.isfinite(value)
    ]
    labels = max((len(label) for label, _, _ in rows), default=0)
    values = max((len(text) for _, text, _ in rows), default=0)
    labels = min(labels, max(4, width - values - 2))
    for label, text, column in rows:
        line = Text(f"{_padded(label, labels)}  {text:>{values}}")
        room = width - len(line) - 2
        if width >= _NARROW and room >= 8 and not ascii_only:
            line.append("  " + curve(column, min(room, 60)), style="cyan")
        yield line


def curve(values: FloatArray, width: int) -> str:
    """A line of block characters from the first value to the last, between the least and most.

    Args:
        values: shape (T,); what is not finite is left blank.
        width: characters at most.
    """
    parts = np.array_split(values, min(width, len(values))) if len(values) else []
    finite = [part[np.isfinite(part)] for part in parts]
    means = np.array([part.mean() if len(part) else math.nan for part in finite])
    if not np.isfinite(means).any():
        return ""
    low, high = np.nanmin(means), np.nanmax(means)
    height = (means - low) / (high - low or 1.0)
    return "".join(
        _CURVE[round(float(each) * (len(_CURVE) - 1))] if math.isfinite(each) else " "
        for each in height
    )


def _theta(snapshot: Snapshot, width: int, rows: int | None, ascii_only: bool) -> Iterator[Text]:
    """A line for each variable: its most probable label, and how probable it is."""
    if snapshot.theta is None or rows == 0:
        return
    variables = _most_probable(snapshot)
    columns = 1
    if rows is not None and len(variables) > rows:
        columns = max(1, min(math.ceil(len(variables) / rows), width // _COLUMN))
    fitting = len(variables) if rows is None else rows * columns
    more = len(variables) - fitting
    if more > 0:  # a line says so
        fitting -= columns
        more = len(variables) - fitting
    yield Text("")
    wide = (width - 2 * (columns - 1)) // columns
    lines = list(_variable_lines(variables[: max(0, fitting)], wide, ascii_only))
    deep = math.ceil(len(lines) / columns)
    for row in range(deep):
        line = Text("  ").join(lines[row::deep]) if columns > 1 else lines[row]
        yield line
    if more > 0:
        yield Text(f"and {more} more", style="dim")


def _most_probable(snapshot: Snapshot) -> list[tuple[str, str, float]]:
    """Name, most probable label and its probability of each variable with a choice."""
    assert snapshot.theta is not None
    theta, found = snapshot.theta, []
    for name, labels, part in zip(theta.names, theta.labels, theta.last, strict=True):
        if len(part) > 1:
            best = int(part.argmax())
            found.append((printable(name), printable(labels[best]), float(part[best])))
    return found


def _variable_lines(
    variables: Sequence[tuple[str, str, float]], width: int, ascii_only: bool
) -> Iterator[Text]:
    bar = max(6, width // 6) if width >= _NARROW else 0
    room = width - 5 - (bar + 1 if bar else 0) - 1  # for both words
    names = max((len(name) for name, _, _ in variables), default=0)
    labels = max((len(label) for _, label, _ in variables), default=0)
    if names + labels > room:
        labels = max(room - names, min(labels, _LABEL, room // 2))
        names = max(0, room - labels)
    for name, label, probability in variables:
        line = Text(f"{_cut(name, names, ascii_only)} {_cut(label, labels, ascii_only)} ")
        if bar:
            line.append_text(_bar(probability, bar, ascii_only))
            line.append(" ")
        line.append(f"{100 * probability:3.0f}%")
        line.pad_right(max(0, width - len(line)))
        yield line


def _bar(share: float, width: int, ascii_only: bool) -> Text:
    """A bar; what is missing is dim, and without colours another sign."""
    full = round(share * width)
    done, rest = ("#", "-") if ascii_only else ("█", "░")
    return Text.assemble((done * full, "green"), (rest * (width - full), "dim"))


def _cut(text: str, width: int, ascii_only: bool) -> str:
    """A text of exactly this width; the end says most, so the beginning is cut."""
    if len(text) > width:
        text = ("~" if ascii_only else "…") + text[len(text) - max(0, width - 1) :]
    return _padded(text, width)


def _padded(text: str, width: int) -> str:
    """A text of exactly this width, also with letters that take two columns."""
    padded = Text(text)
    padded.truncate(width, pad=True)
    return padded.plain


def _wrapped(text: str, width: int) -> list[str]:
    console = Console(width=max(1, width))
    return [line.plain for line in Text(printable(text)).wrap(console, max(1, width))]
