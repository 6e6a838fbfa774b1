"""The overview of a supernet against what its modules say of themselves."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from torch import nn

from pdas.drawing.modules.overview import MOST_DEPTH, MOST_NODES, Node, overview_of_json
from pdas.nn import Choice, Elastic, InputChoice, Linear, OptionalLayer, Repeat, Supernet, Value
from pdas.nn.overview.tree import overview


def nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from nodes(child)


def small() -> Supernet:
    width = Value("width", [2, 8, 32])
    return Supernet(
        nn.Sequential(
            Linear(64, width),
            Choice("act", {"relu": nn.ReLU(), "tanh": nn.Sequential(nn.Tanh(), nn.Identity())}),
            OptionalLayer("hidden", Linear(width, 2 * width)),
            Repeat("depth", [nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4)], [1, 3]),
            InputChoice("source", ["a", "b"]),
            nn.Linear(3, 2),
        )
    )


def test_every_choice_is_a_node_or_a_width() -> None:
    found = overview(small())
    every = list(nodes(found.root))
    chosen = {node.variable for node in every if node.variable}
    terms = {t.variable for node in every for width in node.widths.values() for t in width}
    assert chosen | terms == set(found.variables) == {"width", "act", "hidden", "depth", "source"}
    assert terms == {"width"}
    assert [child.name for child in found.root.children] == ["0", "1", "2", "3", "4", "5"]


def test_candidates_say_which_categories_use_them() -> None:
    _, act, hidden, depth, *_ = overview(small()).root.children
    assert [(c.name, c.used_with) for c in act.children] == [("relu", (0,)), ("tanh", (1,))]
    assert [c.used_with for c in hidden.children] == [(0,)]
    assert [c.used_with for c in depth.children] == [(0, 1), (1,), (1,)]
    # 64 -> width, then width -> 2 * width
    assert list(hidden.children[0].widths["out_features"]) == [(2, "width", 1)]


def test_what_has_no_choice_is_one_node_with_its_counts() -> None:
    found = overview(small())
    assert found.root.children[-1].weights == 3 * 2 + 2
    tanh = found.root.children[1].children[1]
    assert (tanh.modules, tanh.children) == (3, ())


def test_a_value_that_is_no_width_is_a_node_of_its_own() -> None:
    class Scaled(Elastic):
        def __init__(self) -> None:
            super().__init__()
            self.mode = Value("mode", ["wide", "narrow"])
            self.size = Value("size", [1, 2])

    found = overview(Supernet(nn.Sequential(Scaled(), nn.ReLU()))).root.children[0]
    assert [child.variable for child in found.children] == ["mode"]
    assert dict(found.widths) == {"size": ((1, "size", 1),)}


def test_it_goes_as_deep_as_a_supernet_does() -> None:
    deep: nn.Module = Choice("c", {"relu": nn.ReLU(), "tanh": nn.Tanh()})
    for _ in range(300):
        deep = nn.Sequential(deep)
    assert overview(Supernet(deep)).root.children


def test_it_survives_json() -> None:
    found = overview(small())
    assert overview_of_json(json.loads(json.dumps(found.to_json()))) == found


def test_it_is_bounded_in_number_and_depth() -> None:
    act = {"relu": nn.ReLU(), "tanh": nn.Tanh()}
    many = Supernet(nn.ModuleList(Choice(f"c{i}", dict(act)) for i in range(MOST_NODES)))
    found = overview(many).root
    assert len(list(nodes(found))) <= MOST_NODES + 3
    assert len(found.children) + found.left_out == MOST_NODES
    deep: nn.Module = Choice("c", act)
    for _ in range(MOST_DEPTH + 5):
        deep = nn.Sequential(deep)
    assert len(list(nodes(overview(Supernet(deep)).root))) == MOST_DEPTH + 1


def test_names_and_settings_of_strangers_are_short_lines() -> None:
    class Strange(nn.Module):
        def extra_repr(self) -> str:
            raise KeyError("no")

    long = Supernet(nn.Sequential(Choice("c", {"x" * 500 + "\n\x1b": Strange(), "y": nn.ReLU()})))
    name = overview(long).root.children[0].children[0].name
    assert len(name) <= 100 and name.isprintable()


@pytest.mark.parametrize(
    "plain",
    [
        {},
        {"variables": [], "network": {}},
        {"variables": {}, "network": {"name": 1}},
        {"variables": {}, "network": {"variable": "op"}},
        {"variables": {}, "network": {"children": {"0": {}}}},
        {"variables": {}, "network": {"modules": -1}},
        {"variables": {}, "network": {"widths": {"out": [[1, "w", 1]]}}},
        {"variables": {}, "network": {"widths": {"out": [[1]]}}},
        {"variables": {}, "network": {"children": [{}] * (2 * MOST_NODES)}},
    ],
)
def test_what_is_no_overview_is_refused(plain: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        overview_of_json(plain)
