"""What notebooks show: a drawing and a table each, escaped, bounded, and never an error."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

import pdas
from pdas.comparing.results import read_results
from pdas.experiment.sweep import Sweep
from pdas.nn import Choice, Linear, Supernet, Value
from pdas.runs.run import Run
from tests.comparing.made_up import make_comparison

HOSTILE = "<script>alert('&')</script>"
LARGEST = 200_000  # letters


class Parsed(HTMLParser):
    """The elements of a text; every one that is opened must be closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open, self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._open.append(tag)
        for name, value in attrs:
            assert not name.startswith("on"), name
            if name == "id" and value:
                self.ids.append(value)
            if name in ("src", "href") and value:
                assert value.startswith("#"), value

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.words)


def shown(value: Any) -> Parsed:
    html = value._repr_html_()
    assert len(html) < LARGEST
    found = Parsed(html)
    assert "script" not in found.tags
    assert "cannot be shown" not in found.text, found.text
    return found


@pytest.fixture(scope="module")
def net() -> Supernet:
    width = Value("width", [2, 8])
    act = Choice("act", {HOSTILE: nn.ReLU(), "tanh": nn.Tanh()})
    return Supernet(nn.Sequential(Linear(3, width), act, Linear(width, 1)))


def loss(model: Any, batch: tuple[torch.Tensor]) -> torch.Tensor:
    return model(batch[0]).square().mean()


DATA = TensorDataset(torch.arange(120.0).reshape(40, 3))


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `result` is kept."""
    return tmp_path_factory.mktemp("runs") / "mine"


@pytest.fixture(scope="module")
def result(net: Supernet, directory: Path) -> pdas.SearchResult:
    length = {"steps": 8, "batch_size": 10, "preset": "paper"}
    return pdas.search(net, loss, DATA, out=directory, finalists=2, **length)


def test_a_space_is_a_table(net: Supernet) -> None:
    found = shown(net.space)
    assert found.tags.count("tr") == 3
    assert HOSTILE in found.text and "4 architectures" in found.text


def test_a_large_space_is_folded_and_bounded() -> None:
    names = {f"{HOSTILE} {i} {'x' * 300}": range(100) for i in range(3000)}
    found = shown(pdas.SearchSpace(names))
    assert "details" in found.tags and found.tags.count("tr") < 100
    assert "3,000 variables" in found.text and "2,940 more" in found.text


def test_an_architecture_is_a_table_and_the_drawing_of_its_family(
    net: Supernet, random_cells: Callable[..., dict[str, str]]
) -> None:
    assert "svg" not in shown(net.largest).tags
    labels = random_cells(2, 0)
    space = pdas.SearchSpace({name: [label, "other"] for name, label in labels.items()})
    found = shown(space.architecture(labels))
    assert found.tags.count("svg") == 1 and "Reduction cell" in found.text


def test_a_supernet_shows_its_modules(net: Supernet) -> None:
    found = shown(net)
    assert found.tags.count("svg") == 1 and "Linear, out_features = width" in found.text


def test_a_result_shows_the_network_with_what_was_chosen(result: pdas.SearchResult) -> None:
    found = shown(result)
    assert found.tags.count("svg") == 2  # the network, and the course
    width = result.architecture["width"]
    assert f"Linear, out_features = width = {width}" in found.text
    assert HOSTILE in found.text


def test_two_outputs_share_no_id_but_of_the_same_drawing(
    net: Supernet, result: pdas.SearchResult
) -> None:
    one, two = shown(net).ids, shown(result).ids
    assert one and two and not set(one) & set(two)
    assert len(set(two)) == len(two)


def test_a_retraining_shows_its_course(net: Supernet) -> None:
    network = net.derive(net.largest)
    trained = pdas.retrain(network, loss, DATA, DATA, epochs=2, batch_size=10)
    found = shown(trained)
    assert "validation_loss" in found.text and "svg" in found.tags
    shown(pdas.RetrainingResult())


def test_a_run_answers_and_is_drawn(result: pdas.SearchResult, directory: Path) -> None:
    found = shown(Run(directory))
    assert "pdas chose one" in found.text and found.tags.count("svg") == 2


def test_runs_of_recipes_whole_or_broken(make_run: Callable[..., Path]) -> None:
    whole = make_run()
    found = shown(Run(whole))
    assert "test error" in found.text and "svg" in found.tags
    for name in ("architecture.json", "theta.npz", "metrics.csv", "search.json", "config.yaml"):
        (whole / name).write_bytes(b"{damaged \xff")
        assert Run(whole)._repr_html_()


def test_what_cannot_be_shown_gives_a_line(tmp_path: Path) -> None:
    html = Run(tmp_path / HOSTILE)._repr_html_()
    assert html.startswith("<p>Run cannot be shown: ") and "has no config.yaml" in html
    assert "<script>" not in html


def test_a_sweep_shows_its_measures_and_agreement(tmp_path: Path) -> None:
    measure = {"mean": 3.0, "std": 0.5, "values": {"0": 2.5, "1": 3.5}}
    comparison = {
        "seeds": [0, 1],
        "measures": {
            "test_error": measure,
            HOSTILE: {"mean": 1.0, "std": None, "values": {"0": 1}},
        },
        "agreement": {"majority": {"op": {"category": HOSTILE, "share": 0.5}}},
    }
    found = shown(Sweep(tmp_path, comparison, {7: "memory ran out"}))
    assert "svg" in found.tags and "50 %" in found.text and "memory ran out" in found.text
    shown(Sweep(tmp_path, {}, {}))


def test_a_comparison_shows_its_rows(tmp_path: Path) -> None:
    path = make_comparison(tmp_path, {"pdas": [2.0, 2.5, 2.2], "random": [3.0, 3.6, 3.3]})
    found = shown(read_results(path))
    assert "svg" in found.tags and "random" in found.text and "Settled" in found.text


def test_a_space_is_shown_without_torch_or_matplotlib() -> None:
    code = (
        "import sys, pdas; html = pdas.SearchSpace({'op': ['a', 'b']})._repr_html_(); "
        "assert '<table>' in html, html; "
        "print([m for m in ('torch', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
