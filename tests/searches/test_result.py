"""What a search came to, as people see it in Python."""

from __future__ import annotations

import re
import sys
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.utils.data import TensorDataset

import pdas
from pdas.methods.fixed import Fixed
from pdas.nn import Choice, Supernet, Value
from pdas.searches.result import SearchResult
from pdas.support.errors import SettingError


class Net(nn.Module):
    """A gain of two factors and a sign; the loss is its distance to 6."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.one = Value("one", [1, 2, 3])
        self.two = Value("two", [1, 2])
        self.sign = Choice("sign", {"<minus>": nn.Hardtanh(-2, -1), "plus": nn.Identity()})

    def forward(self, x: Tensor) -> Tensor:
        return self.sign(x * self.scale * self.one.value * self.two.value)


def loss(model: Any, batch: tuple[Tensor]) -> Tensor:
    return (model(batch[0]) - 6).square().mean()


def tied(model: Any, batch: tuple[Tensor]) -> Tensor:
    return 0 * model(batch[0]).mean()


def searched(loss: Any = loss, **settings: Any) -> SearchResult:
    data = TensorDataset(torch.ones(40))
    length = {"steps": 200, "batch_size": 10, "preset": "paper", **settings}
    return pdas.search(Supernet(Net()), loss, data, train_weights=False, **length)


@pytest.fixture(scope="module")
def result() -> SearchResult:
    return searched(stop_when_decided=1 - 1e-9)


def test_a_decided_search_reads_as_decided(result: SearchResult) -> None:
    """The space is as that of the README's first example, whose convergence ends at 0.722."""
    assert result.history[-1].measures["convergence"] == pytest.approx((2 / 3 + 3 / 4 + 3 / 4) / 3)
    assert result.history[-1].measures["decided"] == pytest.approx(1)
    assert repr(result).splitlines()[1:] == [
        "  variable  chosen  probability  at most",
        "  one       3       0.667        0.667",
        "  two       2       0.750        0.750",
        "  sign      plus    0.750        0.750",
    ]
    first = repr(result).splitlines()[0]
    assert re.fullmatch(
        r"SearchResult: \d+ of 200 steps in \d+\.\d s; share of theta decided 1\.000; "
        r"ended early \(stop_when_decided\)",
        first,
    )
    assert "nothing was learned" not in repr(result) and not result.nothing_learned


def test_a_notebook_shows_a_table_with_its_names_escaped(result: SearchResult) -> None:
    html = result._repr_html_()
    assert html.count("<tr>") == 4 and ">at most</th>" in html and "<svg" in html
    other = SearchResult(result.method.best().replaced(2, 0), result.method)
    assert "&lt;minus&gt;" in other._repr_html_() and "<minus>" not in other._repr_html_()


def test_where_all_losses_are_equal_nothing_was_learned(caplog: pytest.LogCaptureFixture) -> None:
    said: list[str] = []
    result = searched(tied, on_epoch=lambda result: said.append(repr(result)))
    assert ["nothing was learned" in text for text in said] == [False] * (len(said) - 1) + [True]
    assert result.nothing_learned
    assert repr(result).startswith("SearchResult: nothing was learned: theta ended as it began")
    assert "nothing was learned" in result._repr_html_() and "nothing was learned" in caplog.text


def test_theta_is_compared_with_its_start_and_not_with_a_uniform_one() -> None:
    initial = {"one": [0.2, 0.3, 0.5], "two": [0.3, 0.7], "sign": [0.5, 0.5]}
    space = Supernet(Net()).space
    assert searched(tied, method=pdas.PDAS(space, initial=initial)).nothing_learned
    assert not searched(method=pdas.PDAS(space, initial=initial)).nothing_learned


def test_a_method_without_theta_or_without_a_choice_cannot_have_learned_nothing() -> None:
    for space in (pdas.SearchSpace({"op": ["a", "b"]}), pdas.SearchSpace({"op": ["a"]})):
        architecture = space.architecture([0])
        fixed = SearchResult(architecture, Fixed(architecture))
        assert not fixed.nothing_learned
        assert repr(fixed).splitlines() == [
            "SearchResult: Fixed, which has no steps",
            "  variable  chosen",
            "  op        a",
        ]
    sampled = SearchResult(architecture, pdas.Sampled(pdas.PDAS(space)))
    sampled.add_theta()
    assert not sampled.nothing_learned


def test_the_top_are_the_most_probable_with_their_probabilities(result: SearchResult) -> None:
    top = result.top(3)
    assert top[0][0] == result.architecture
    assert [p for _, p in top] == pytest.approx([3 / 8, 1 / 8, 1 / 8])
    optimizer: Any = result.optimizer
    for architecture, p in result.top(100):
        assert p == pytest.approx(np.exp(optimizer.log_probability(architecture)))
    assert len(result.top(100)) == 12 and sum(p for _, p in result.top(100)) == pytest.approx(1)


def test_the_top_are_within_the_limit(
    result: SearchResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = result.architecture.space
    sizes = {"one": {1: 1.0, 2: 2.0, 3: 3.0}, "two": {1: 1.0, 2: 2.0}}
    cost = pdas.ProductCost.from_table(space, {**sizes, "sign": {"<minus>": 0.0, "plus": 0.0}})
    limited = searched(limit=pdas.Limit(cost, 4))
    within = limited.top(100)
    assert within[0][0] == limited.method.best()
    assert [line.split()[-1] for line in repr(limited).splitlines()[2:]] == ["0.667"] + [
        "0.750"
    ] * 2
    assert len(within) == 10 and all(cost(architecture) <= 4 for architecture, _ in within)
    assert sorted(p for _, p in within)[::-1] == [p for _, p in within]
    monkeypatch.setattr("pdas.searches.result.LOOKED_AT", 12)
    with pytest.raises(SettingError, match=r"top: found 10 of the 12 most .*, expected 11; ask"):
        limited.top(11)


@pytest.mark.parametrize("k", [0, 1.5, True])
def test_a_number_of_architectures_is_whole(result: SearchResult, k: Any) -> None:
    with pytest.raises(SettingError, match="k: found"):
        result.top(k)


def test_the_frame_has_a_row_for_each_epoch(
    result: SearchResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pandas")
    frame = result.to_frame()
    assert frame.to_dict("records") == [progress.row() for progress in result.history]
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(SettingError, match=r"to_frame: found no pandas, .*; pip install pandas"):
        result.to_frame()


def test_the_plot_shows_the_search_and_notebooks_show_the_plot(result: SearchResult) -> None:
    figure: Any = result.plot()
    assert isinstance(figure, Figure)
    (decided,) = figure.axes[0].lines
    assert decided.get_xdata().tolist() == [0, *(progress.step for progress in result.history)]
    assert decided.get_ydata()[[0, -1]] == pytest.approx([0, 1])
    png, size = figure._repr_png_()
    assert png.startswith(b"\x89PNG") and size == {"width": 680}


def test_what_a_search_does_not_have_is_said_in_a_line() -> None:
    architecture = pdas.SearchSpace({"op": ["a", "b"]}).architecture([0])
    fixed = SearchResult(architecture, Fixed(architecture))
    for call in (fixed.top, fixed.plot):
        with pytest.raises(SettingError, match=r"(top|plot): found "):
            call()
