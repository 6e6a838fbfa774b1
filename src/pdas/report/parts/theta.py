"""theta over the search: a row for a variable, a box for a category, a slider over the steps."""

from __future__ import annotations

import json
from base64 import b64encode
from xml.etree.ElementTree import Element, SubElement

import numpy as np
from numpy.typing import NDArray

from pdas.report.html.elements import add
from pdas.report.reader import NamedTheta
from pdas.space.categories import starts
from pdas.support.arrays import IntArray
from pdas.support.errors import printable

Bytes = NDArray[np.uint8]

MOST_FRAMES = 100  # of the slider
MOST_BOXES = 1500  # in all rows


def add_theta(body: Element, theta: NamedTheta) -> None:
    """Add the heat-map, at its last step, and the slider that `report.js` serves.

    Without the script, the page shows the last step.

    Args:
        body: of the page.
        theta: its history.
    """
    section = SubElement(body, "section", {"class": "theta"})
    add(section, "h2", "Theta over the search")
    shown = _shown_variables(theta)
    note = "A row for each variable, a box for each category, as strong as it is probable."
    if left_out := len(theta.names) - len(shown):
        note += f" The {len(shown):,} variables that moved most; {left_out:,} more are left out."
    add(section, "p", note).set("class", "note")
    frames = _frames(theta)
    percent = _percent(theta, shown, frames)
    _add_slider(section, len(frames))
    _add_rows(section, theta, shown, percent[-1])
    data = {
        "steps": theta.history.steps[frames].astype(int).tolist(),
        "theta": b64encode(percent.tobytes()).decode("ascii"),
    }
    SubElement(section, "script", type="application/json").text = json.dumps(data)


def _shown_variables(theta: NamedTheta) -> list[int]:
    """The variables with a choice; of very many, those that moved most, in their own order."""
    history = theta.history
    free = [i for i, size in enumerate(history.sizes) if size > 1]
    moved = np.abs(history.theta[-1] - history.theta[0])
    by_variable = np.maximum.reduceat(moved, starts(history.sizes))
    shown: list[int] = []
    boxes = 0
    for i in sorted(free, key=lambda i: -by_variable[i]):
        boxes += history.sizes[i]
        if boxes > MOST_BOXES and shown:
            break
        shown.append(i)
    return sorted(shown)


def _frames(theta: NamedTheta) -> IntArray:
    """The positions in the history that the slider has; of a long one, evenly chosen."""
    count = len(theta.history.steps)
    return np.unique(np.linspace(0, count - 1, min(count, MOST_FRAMES)).round().astype(int))


def _percent(theta: NamedTheta, shown: list[int], frames: IntArray) -> Bytes:
    """uint8, shape (frames, boxes)."""
    history = theta.history
    begins = starts(history.sizes)
    columns = [begins[i] + j for i in shown for j in range(history.sizes[i])]
    picked = history.theta[np.ix_(frames, columns)]
    percent: Bytes = (100 * picked.clip(0, 1)).round().astype(np.uint8)
    return percent


def _add_slider(section: Element, frames: int) -> None:
    """Hidden until the script that serves it runs."""
    line = SubElement(section, "div", {"class": "slider", "hidden": "hidden"})
    add(line, "label", "step").set("for", "theta-step")
    last = str(frames - 1)
    SubElement(line, "input", id="theta-step", type="range", min="0", max=last, value=last)
    SubElement(line, "output", {"for": "theta-step"})


def _add_rows(section: Element, theta: NamedTheta, shown: list[int], percent: Bytes) -> None:
    table = SubElement(SubElement(section, "table", {"class": "heat"}), "tbody")
    values = iter(percent.tolist())
    for i in shown:
        row = SubElement(table, "tr")
        add(row, "th", theta.names[i]).set("scope", "row")
        boxes = SubElement(SubElement(row, "td"), "ul")
        for label, value in zip(theta.labels[i], values, strict=False):
            box = SubElement(boxes, "li", style=f"--p:{value}")
            add(box, "span", label)
            SubElement(box, "span").text = printable(f"{value} %")
