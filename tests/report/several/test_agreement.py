"""The agreement of architectures, against that of sweeps and against all pairs one by one."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np
import pytest

from pdas import recipes
from pdas.experiment.comparison import agreement as agreement_of_sweep
from pdas.report.several.agreement import MOST_ROWS, add_agreement, agreement
from pdas.report.several.column import MOST, Column, read_column
from pdas.tasks.loading import recipe_space

Make = Callable[..., Path]


def rows(parent: Element) -> list[list[str]]:
    return [["".join(cell.itertext()) for cell in line] for line in parent.iter("tr")]


def columns_of(make_run: Make, architectures: list[dict[str, Any]]) -> list[Column]:
    recipe = recipes.load("digits").model_dump(mode="json")
    return [
        read_column(f"r{i}", make_run(f"r{i}", architecture=each, recipe=recipe))
        for i, each in enumerate(architectures)
    ]


@pytest.mark.parametrize("count", [2, 5])
def test_it_is_that_of_a_sweep(make_run: Make, count: int) -> None:
    space, rng = recipe_space(recipes.load("digits")), np.random.default_rng(3)
    drawn = {seed: space.uniform(rng) for seed in range(count)}
    expected = agreement_of_sweep(space, drawn)
    found = agreement(columns_of(make_run, [each.to_dict() for each in drawn.values()]))
    assert found is not None
    assert found.mean == pytest.approx(expected["mean"])
    assert found.chance == pytest.approx(expected["chance"])
    shares = {name: share for name, share, _ in found.rows}
    assert shares == {name: each["share"] for name, each in expected["majority"].items()}


def test_the_variables_that_agree_most_come_first(make_run: Make) -> None:
    labels = [{"a": 1, "b": "x", "c": 0}, {"a": 2, "b": "x", "c": 0}, {"a": 3, "b": "x", "c": 1}]
    found = agreement(columns_of(make_run, labels))
    assert found is not None and found.chance is None and found.beyond_chance is None
    body = Element("body")
    add_agreement(body, found)
    assert rows(body) == [
        ["variable", "agree", "r0", "r1", "r2"],
        ["b", "100 %", "x", "x", "x"],
        ["c", "67 %", "0", "0", "1"],
        ["a", "33 %", "1", "2", "3"],
    ]
    pairs = [
        np.mean([one[name] == other[name] for name in one])
        for one, other in combinations(labels, 2)
    ]
    assert found.mean == pytest.approx(np.mean(pairs))


def test_a_variable_that_a_run_does_not_have_does_not_agree(make_run: Make) -> None:
    found = agreement(columns_of(make_run, [{"a": 1}, {"a": 1, "b": 2}]))
    assert found is not None
    assert found.rows == [("a", 1.0, ["1", "1"]), ("b", 0.5, ["", "2"])]
    assert found.mean == 0.5


def test_one_architecture_agrees_with_none(make_run: Make) -> None:
    columns = columns_of(make_run, [{"a": 1}, {"a": 1}])
    (columns[1].path / "architecture.json").unlink()
    assert agreement([columns[0], read_column("r1", columns[1].path)]) is None
    assert agreement([]) is None


def test_very_many_variables_and_runs_are_cut_and_said(make_run: Make) -> None:
    labels = {f"v{i}": 1 for i in range(MOST_ROWS + 7)}
    columns = columns_of(make_run, [labels])
    many = [Column(f"r{i}", columns[0].path, columns[0].summary) for i in range(MOST + 5)]
    found = agreement(many)
    assert found is not None and len(found.columns) == MOST + 5
    body = Element("body")
    add_agreement(body, found)
    assert len(rows(body)) == MOST_ROWS + 1 and len(rows(body)[0]) == MOST + 2
    text = "".join(body.itertext())
    assert "5 more runs count" in text and "7 more variables agree less" in text


def test_beyond_chance_is_zero_for_draws_and_one_for_the_same(make_run: Make) -> None:
    space = recipe_space(recipes.load("digits"))
    labels = space.uniform(np.random.default_rng(0)).to_dict()
    found = agreement(columns_of(make_run, [labels, labels]))
    assert found is not None and found.beyond_chance == 1
    assert json.loads((found.columns[0].path / "architecture.json").read_text()) == labels
