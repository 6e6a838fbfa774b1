"""The drawing of a network of one's own, from the `modules.json` of its search."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pdas.drawing.modules.overview import Overview, overview_of_json
from pdas.report.reader import NamedTheta
from pdas.runs.reading import parse_json
from pdas.runs.run import Run
from pdas.spaces.base import Drawing

FILE = "modules.json"


def own_drawing(run: Run, labels: Mapping[str, object], theta: NamedTheta | None) -> Drawing | None:
    """The modules of a network of one's own with the choices taken; None of a run of a recipe.

    Args:
        run: the directory.
        labels: of the architecture; empty while a search is under way.
        theta: of the search; None where there is none.

    Raises:
        RunError: the file is damaged.
    """
    if not run.has(FILE):
        return None
    from pdas.drawing.modules.figure import modules_figure, modules_words  # needs matplotlib

    overview = run.read(FILE, _parse)
    figure = modules_figure(overview, labels, {} if theta is None else probabilities(theta))
    return Drawing(figure, modules_words(overview, labels))


def probabilities(theta: NamedTheta) -> dict[str, list[float]]:
    """Those of the categories of each variable in the end.

    Args:
        theta: of the search.
    """
    return {name: p.tolist() for name, p in zip(theta.names, theta.last, strict=True)}


def _parse(path: Path) -> Overview:
    return overview_of_json(parse_json(path))
