"""A run in words."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pdas.report.describe import architecture_text, summarise
from pdas.report.page import write_report
from pdas.report.reader import read_summary
from pdas.report.values import duration


def summary_rows(run: Path) -> list[tuple[str, str]]:
    return summarise(read_summary(run, lenient=True))


def test_rows_of_a_whole_run(make_run: Callable[..., Path]) -> None:
    errors = (2.98, 3.18, 3.0)
    rows = dict(summary_rows(make_run(errors=errors)))
    mean, deviation = np.mean(errors), np.std(errors, ddof=1)
    assert list(rows) == [
        "method",
        "test error",
        "weights",
        "better than random",
        "search time",
        "share of θ decided",
        "normal cell",
        "reduction cell",
        "next",
    ]
    assert rows["method"] == "pdas"
    assert rows["test error"] == f"{mean:.2f} ± {deviation:.2f} % (3 retrainings)"
    assert rows["weights"] == "3.20 M"
    assert rows["search time"] == "20 min 44 s"
    assert rows["share of θ decided"] == "0.912"


def test_rows_of_a_single_retraining_and_of_none(make_run: Callable[..., Path]) -> None:
    assert dict(summary_rows(make_run("one", errors=(4.125,))))["test error"] == "4.12 %"
    rows = dict(summary_rows(make_run("none", errors=())))
    assert "test error" not in rows
    assert "weights" not in rows


def test_random_method_has_nothing_decided(make_run: Callable[..., Path]) -> None:
    rows = dict(summary_rows(make_run(method="random")))
    assert rows["method"] == "random"
    assert not {"share of θ decided", "mean of max θ"} & rows.keys()


def test_a_search_that_learned_nothing_found_no_architecture(make_run: Callable[..., Path]) -> None:
    run = make_run()
    search = json.loads((run / "search.json").read_text())
    for learned in (True, False):
        (run / "search.json").write_text(json.dumps({**search, "learned": learned}))
        rows, page = dict(summary_rows(run)), write_report(run).read_text()
        assert ("normal cell" in rows) == learned
        assert ("nothing was learned" in rows.get("architecture", "")) != learned
        assert ("nothing was learned" in page) != learned
        assert ("search again" in rows["next"]) != learned


def test_method_of_a_search_under_way_is_that_of_the_recipe(make_run: Callable[..., Path]) -> None:
    run = make_run(errors=())
    for name in ("search.json", "architecture.json"):
        (run / name).unlink()
    assert summary_rows(run) == [
        ("method", "pdas"),
        ("state", "the search did not finish"),
        ("next", "finish the search: add --resume to the command"),
    ]


def test_operations_of_cells_are_counted(make_run: Callable[..., Path]) -> None:
    cell = {"in1": "prev", "op1": "identity", "in2": "prev_prev", "op2": "max_pool_3x3"}
    nodes = {
        "normal/node1": cell,
        "normal/node2": cell,
        "reduction/node1": cell,
        "reduction/node2": cell,
    }
    nodes["normal/node2"] = {**cell, "op2": "identity"}
    architecture = {f"{node}/{key}": v for node, keys in nodes.items() for key, v in keys.items()}
    rows = dict(summary_rows(make_run(architecture=architecture)))
    assert rows["normal cell"] == "3 identity, 1 max_pool_3x3"
    assert rows["reduction cell"] == "2 identity, 2 max_pool_3x3"
    assert architecture_text(architecture) == (
        "normal cell\n"
        "  node1 = identity(prev) + max_pool_3x3(prev_prev)\n"
        "  node2 = identity(prev) + identity(prev_prev)\n"
        "  output = concat(node1, node2)\n"
        "\n"
        "reduction cell\n"
        "  node1 = identity(prev) + max_pool_3x3(prev_prev)\n"
        "  node2 = identity(prev) + max_pool_3x3(prev_prev)\n"
        "  output = concat(node1, node2)"
    )


def test_auto_encoder_is_told_as_its_chain(make_run: Callable[..., Path]) -> None:
    architecture = {
        "layer1/type": "3x3_down",
        "layer1/channels": 256,
        "layer2/type": "1x1_down",
        "layer2/channels": 64,
        "layer2/from": 1,
        "layer3/type": "5x5_skip",
        "layer3/channels": 128,
        "layer3/from": 1,
        "output/from": 3,
    }
    rows = dict(summary_rows(make_run(architecture=architecture)))
    assert rows["chain"] == "(3x3, 256, from 0) -> (5x5 skip, 128, from 1)"
    assert architecture_text(architecture) == ("(3x3, 256, from 0)\n-> (5x5 skip, 128, from 1)")
    architecture["output/from"] = 0
    assert architecture_text(architecture) == "(the image)"


def test_architecture_of_another_space(make_run: Callable[..., Path]) -> None:
    architecture = {"op": "skip", "width": 64}
    assert dict(summary_rows(make_run(architecture=architecture)))["architecture"] == (
        "op = skip, width = 64"
    )
    assert architecture_text(architecture) == "op     skip\nwidth  64"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (12.34, "12.3 s"),
        (59.98, "1 min 0 s"),
        (1243.5, "20 min 44 s"),
        (3599.9, "1 h 0 min"),
        (20_736, "5 h 46 min"),
        (float("inf"), "inf s"),
        (float("nan"), "nan s"),
        (-1e308, "-1e+308 s"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text
