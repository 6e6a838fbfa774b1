"""Views of the result of a search and of a training in Python."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from pdas.notebook.fragment import add_figure, add_rows, as_html, begin
from pdas.notebook.spaces import add_family_drawing
from pdas.support.display.shown import VIEWS
from pdas.support.metrics import metric_named

if TYPE_CHECKING:  # they import torch or matplotlib
    from matplotlib.figure import Figure

    from pdas.retraining.result import RetrainingResult
    from pdas.searches.result import SearchResult

_FINALISTS = 5


@VIEWS.named("SearchResult")
def result_view(result: SearchResult) -> str:
    """What was found, drawn and in a table, and the course of the search.

    Args:
        result: at the end of a search, or of an epoch.
    """
    body = begin("SearchResult", result.summary())
    _add_drawing(body, result)
    head, *rows = result.table()
    add_rows(body, f"{len(rows):,} variables", rows, [str(text) for text in head])
    finalists = [
        (", ".join(map(str, each.architecture.values)), _number(each.loss), each.steps)
        for each in result.finalists[:_FINALISTS]
    ]
    if len(finalists) > 1:
        headings = ("the best finalists", "loss on D_theta", "steps")
        add_rows(body, "finalists", finalists, headings)
    if result.history:
        add_figure(body, result.plot(), "The course of the search: theta, measures and losses")
    return as_html(body)


@VIEWS.named("RetrainingResult")
def retraining_view(result: RetrainingResult) -> str:
    """The measures of the best epoch, and the course of the training.

    Args:
        result: of `pdas.retrain`.
    """
    epochs = len(result.history)
    texts = [f"{epochs:,} epochs in {result.seconds:.1f} s"]
    if result.stopped:
        texts.append(f"ended early ({result.stopped})")
    body = begin("RetrainingResult", *texts)
    if not epochs:
        return as_html(body)
    rows = [(name, _number(value)) for name, value in result.best.measures.items()]
    add_rows(body, "measures", rows, (f"epoch {result.best_epoch} of {epochs}", ""))
    add_figure(body, _course(result), "The course of the training")
    return as_html(body)


def _add_drawing(body: Element, result: SearchResult) -> None:
    """Add the modules of a network of one's own, or what the family draws."""
    overview, labels = result.network, result.architecture.to_dict()
    if overview is None:
        add_family_drawing(body, result.architecture)
        return
    from pdas.drawing.modules.figure import modules_figure, modules_words  # needs matplotlib

    figure = modules_figure(overview, labels, _probabilities(result))
    add_figure(body, figure, modules_words(overview, labels))


def _probabilities(result: SearchResult) -> dict[str, list[float]]:
    history = result.theta_history
    if history is None:
        return {}
    names = result.architecture.space.names
    return {name: part.tolist() for name, part in zip(names, history.last, strict=True)}


def _course(result: RetrainingResult) -> Figure:
    import numpy as np

    from pdas.drawing.panels import SMALL, measure_panel, stacked

    rows = [progress.row() for progress in result.history]
    x = np.array([row["step"] for row in rows], float)
    keys = [key for key in result.history[-1].measures if key.endswith("loss")]
    panels = [
        measure_panel(
            x, np.array([row.get(key, np.nan) for row in rows], float), metric_named(key, ()), SMALL
        )
        for key in keys
    ]
    return stacked(panels, "step", float(x.max()))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
