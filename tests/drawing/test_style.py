"""What all pictures share."""

from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib.image import imread

from pdas.drawing.style import new_figure, save


@pytest.mark.parametrize("name", ["a$b$", "$x^{$", "exp[lr=0.1]", "$\\frac$", "100 %"])
def test_a_name_is_no_formula_in_any_place(tmp_path: Path, name: str) -> None:
    figure = new_figure(2, 2)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], label=name)
    axes.legend()
    axes.set_title(name)
    axes.set_xticks([0], [name])
    figure.text(0, 0, name)
    assert imread(save(figure, tmp_path / "a.png")).std() > 0
