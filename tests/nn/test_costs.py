"""What adds up over what is in use, for supernets that say more or less of that."""

from __future__ import annotations

import numpy as np
import pytest
from torch import Tensor, nn

from pdas.cost import FunctionCost, ProductCost
from pdas.nn import Choice, OptionalLayer, Supernet
from pdas.nn.costs import table_cost
from pdas.nn.protocols import ActiveSupernet, ConditionedSupernet
from pdas.space import Architecture, SearchSpace
from pdas.support.errors import SettingError, SpaceError
from tests.nn.choice_helpers import every
from tests.testing.chosen import Chosen

ACTS = {"relu": 3.0, "tanh": 2.5, "gelu": 4.0}


class Flat(nn.Module):
    """Uses every variable always, and does not say so."""

    space = SearchSpace({"a": [1, 2], "b": ["x", "y", "z"]})

    def forward(self, x: Tensor, architecture: Architecture) -> Tensor:
        return x


def test_a_table_counts_what_is_in_use() -> None:
    inner = Choice("inner", {"a": nn.Identity(), "b": nn.Tanh()})
    net = Supernet(Choice("op", {"x": nn.Sequential(inner), "y": nn.ReLU()}))
    assert isinstance(net, ConditionedSupernet)
    cost = net.cost({"op": {"x": 2.0, "y": 1.0}, "inner": {"a": 5.0, "b": 0.5}})
    labels = [("x", "a", 7.0), ("x", "b", 2.5), ("y", "a", 1.0), ("y", "b", 1.0)]
    for op, inside, expected in labels:
        assert cost(net.space.architecture({"op": op, "inner": inside})) == expected
    with pytest.raises(SpaceError, match="found no costs of the labels 'y'"):
        net.cost({"op": {"x": 2.0}})


def test_of_a_supernet_that_says_what_is_active() -> None:
    net = Chosen()
    assert isinstance(net, ActiveSupernet) and not isinstance(net, ConditionedSupernet)
    cost = table_cost(net, {"depth": {1: 0.5, 2: 1.0}, "first": ACTS, "second": ACTS})
    assert isinstance(cost, FunctionCost)
    for depth, expected in ((1, 0.5 + 3.0), (2, 1.0 + 3.0 + 4.0)):
        labels = {"depth": depth, "first": "relu", "second": "gelu"}
        assert cost(net.space.architecture(labels)) == expected


def test_of_a_supernet_that_does_not_say_it_every_variable_counts() -> None:
    net = Flat()
    cost = table_cost(net, {"b": {"x": 1.0, "y": 2.0, "z": 4.0}})
    assert isinstance(cost, ProductCost) and cost.additive
    found = [cost(net.space.architecture([1, i])) for i in range(3)]
    assert found == [1.0, 2.0, 4.0]


def test_equal_numbers_count_too() -> None:
    inner = Choice("inner", {"a": nn.Identity(), "b": nn.Tanh()})
    outer = Choice("op", {"x": nn.Sequential(inner), "y": nn.ReLU()})
    net = Supernet(nn.Sequential(outer, OptionalLayer("extra", nn.Tanh())))
    cost = net.cost({"extra": {True: 3.0, False: 3.0}, "inner": {"a": 0.5, "b": 0.5}})
    for architecture in every(net):
        assert cost(architecture) == 3.0 + 0.5 * (architecture["op"] == "x")
    assert cost.expected({n: np.full(2, 0.5) for n in net.space}) == 3.25


def test_a_table_that_does_not_fit_is_refused() -> None:
    for net in (Flat(), Chosen()):
        with pytest.raises(SpaceError, match="cost table: found unknown variables 'c'"):
            table_cost(net, {"c": {"x": 1.0}})
    with pytest.raises(SettingError, match="cost table, 'a', label 1: found -1"):
        table_cost(Flat(), {"a": {1: -1, 2: 0}})
