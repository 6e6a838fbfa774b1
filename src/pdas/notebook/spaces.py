"""Views of a search space, of an architecture and of a supernet."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from pdas.notebook.fragment import add_figure, add_rows, as_html, begin
from pdas.space import Architecture, SearchSpace
from pdas.spaces.base import family_of
from pdas.support.display.shown import VIEWS

if TYPE_CHECKING:
    from pdas.nn.supernet import Supernet

_LABELS = 12  # of a variable in a table


@VIEWS.named("SearchSpace")
def space_view(space: SearchSpace) -> str:
    """The variables with their categories.

    Args:
        space: the space.
    """
    body = begin(type(space).__name__, *_counts(space))
    _add_variables(body, space)
    return as_html(body)


@VIEWS.named("Architecture")
def architecture_view(architecture: Architecture) -> str:
    """What each variable is, and the drawing of its family if there is one.

    Args:
        architecture: of any space.
    """
    body = begin(type(architecture).__name__, _plural(len(architecture.space), "variable"))
    add_family_drawing(body, architecture)
    rows = architecture.to_dict().items()
    add_rows(body, _plural(len(architecture.space), "variable"), rows, ("variable", "chosen"))
    return as_html(body)


@VIEWS.named("Supernet")
def supernet_view(net: Supernet) -> str:
    """The modules with their choices, and the variables.

    Args:
        net: the supernet.
    """
    from pdas.drawing.modules.figure import modules_figure, modules_words  # needs matplotlib
    from pdas.nn.overview.tree import overview  # needs torch

    of = f"{type(net).__name__} of {type(net.module).__name__}"
    body = begin(of, *_counts(net.space))
    found = overview(net)
    add_figure(body, modules_figure(found, {}), modules_words(found, {}))
    _add_variables(body, net.space)
    return as_html(body)


def add_family_drawing(body: Element, architecture: Architecture) -> None:
    """Add the drawing of the family of an architecture, if it is of one that draws.

    Args:
        body: of the fragment.
        architecture: of any space.
    """
    labels = architecture.to_dict()
    family = family_of(labels)
    drawing = None if family is None else family.drawing(labels)
    if drawing is not None:
        add_figure(body, drawing.figure, drawing.caption)


def _add_variables(body: Element, space: SearchSpace) -> None:
    rows = [(name, _labels(labels)) for name, labels in space.items()]
    add_rows(body, _plural(len(space), "variable"), rows, ("variable", "categories"))


def _labels(labels: Sequence[object]) -> str:
    shown = ", ".join(map(str, labels[:_LABELS]))
    more = len(labels) - _LABELS
    return shown if more <= 0 else f"{shown} and {more:,} more"


def _counts(space: SearchSpace) -> tuple[str, str]:
    digits = sum(log10(size) for size in space.sizes)
    many = f"{round(10**digits):,}" if digits < 6 else f"{10 ** (digits % 1):.1f}e+{int(digits)}"
    return _plural(len(space), "variable"), f"{many} architectures"


def _plural(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
