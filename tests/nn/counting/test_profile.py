"""Every candidate is run once on a sample, and the one that does not fit is named."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import pdas
from pdas.nn import (
    BatchNorm1d,
    Choice,
    Conv2d,
    InputChoice,
    Linear,
    OptionalLayer,
    Repeat,
    Supernet,
    Value,
)
from pdas.support.errors import NetworkError, PdasWarning
from tests.nn.choice_helpers import Everything

X = torch.randn(2, 8)

MAT1 = r"\((?:addmm: )?mat1"  # torch 2.15 names the kernel


def check(*modules: nn.Module, x: Tensor = X) -> None:
    Supernet(nn.Sequential(*modules)).check(x)


def linears(*widths: int, into: int = 8) -> dict[Any, nn.Module]:
    return {f"to {width}": nn.Linear(into, width) for width in widths}


INNER = Choice("inner", linears(4, 5))


def test_candidates_that_fit_run_once_each() -> None:
    calls: Counter[str] = Counter()

    class Counted(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            calls[self.name] += 1
            return super().forward(x)

    def counted(name: str) -> nn.Module:
        layer = Counted(8, 8)
        layer.name = name
        return layer

    inner = Choice("inner", {"c": counted("c"), "d": counted("d")})
    check(
        Choice("op", {"a": counted("a"), "b": nn.Sequential(counted("b"), inner)}),
        OptionalLayer("extra", counted("e")),
        Repeat("depth", [counted(f"block{i}") for i in range(4)], [2, 4, 0]),
    )
    assert calls == Counter({name: 1 for name in [*"abcde", *(f"block{i}" for i in range(4))]})


def test_it_changes_nothing() -> None:
    net = Supernet(nn.Sequential(Everything(), nn.BatchNorm1d(10), nn.Dropout()))
    net.module[2].eval()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    modes = [module.training for module in net.modules()]
    x = torch.randn(2, 3, 16, 16)
    generator = torch.get_rng_state()
    net.check(x)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert [module.training for module in net.modules()] == modes
    assert torch.equal(torch.get_rng_state(), generator)
    assert not any(w.grad is not None for w in net.parameters())
    assert "forward" not in vars(net.module[0].source)
    assert not net.module[0]._forward_hooks


@pytest.mark.parametrize(
    ("modules", "message"),
    [
        (
            [Choice("op", {"a": nn.Linear(8, 4), "bad": nn.Linear(7, 4)})],
            r"Choice 'op' at 0: 'bad' does not fit in the network, where others do " + MAT1 +
            r" .*, for an input of shape \(2, 8\)\); change or drop it",
        ),
        (
            [nn.Sequential(Choice("op", linears(4, 5))), nn.Linear(4, 2)],
            r"Choice 'op' at 0\.0: 'to 5' does not fit in the network, where others do " + MAT1,
        ),
        (
            [Choice("op", linears(5, 4)), nn.Linear(4, 2)],
            r"Choice 'op' at 0: 'to 5' does not fit in",
        ),
        (
            [Choice("op", linears(4, 5)), OptionalLayer("extra", nn.Linear(4, 4))],
            r"Choice 'op' at 0: 'to 5' does not fit in",
        ),
        (
            [Choice("op", linears(5, 4)), Choice("next", linears(3, 2, into=4)), nn.Linear(3, 3)],
            r"Choice 'op' at 0: 'to 5' does not fit|Choice 'next' at 1: 'to 2' does not fit",
        ),
        (
            [Linear(8, Value("width", [4, 6])), nn.Linear(4, 2)],
            r"Value 'width' at 0\.out_features: 6 does not fit in",
        ),
        (
            [Repeat("depth", [nn.Linear(8, 4), nn.Linear(5, 4)])],
            r"Repeat 'depth' at 0: 2 does not fit in",
        ),
        (
            [Choice("op", {"a": nn.Sequential(INNER), "b": nn.Linear(8, 4)}), nn.Linear(4, 4)],
            r"Choice 'inner' at 0\.0\.0: 'to 5' does not fit in",
        ),
        (
            [Choice("op", {"b": nn.Linear(8, 4), "a": nn.Sequential(INNER)}), nn.Linear(4, 4)],
            r"Choice 'inner' at 0\.1\.0: 'to 5' does not fit in",
        ),
        (
            [Choice("op", linears(4, 4)), nn.Linear(5, 2)],
            r"Sequential: found that it fails on the sample input whatever is chosen " + MAT1,
        ),
    ],
)  # fmt: skip
def test_the_candidate_that_does_not_fit_is_named(modules: list[nn.Module], message: str) -> None:
    with pytest.raises(NetworkError, match=message) as caught:
        check(*modules)
    assert "\n" not in str(caught.value)


def test_an_input_of_another_shape_is_named() -> None:
    class Join(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.source = InputChoice("source", ["x", "half"])
            self.last = nn.Linear(8, 1)

        def forward(self, x: Tensor) -> Tensor:
            return self.last(self.source([x, x[:, :4]]))

    with pytest.raises(NetworkError, match=r"InputChoice 'source' at source: 'half' does not fit"):
        Supernet(Join()).check(X)


def test_another_shape_that_fits_is_no_mistake() -> None:
    strides = Choice("op", {s: nn.Conv2d(3, 4, 3, stride=s, padding=1) for s in (1, 2)})
    check(strides, nn.AdaptiveAvgPool2d(1), x=torch.randn(1, 3, 8, 8))
    sliced = Conv2d(3, 4, 3, stride=Value("stride", [1, 2]))
    check(sliced, nn.AdaptiveAvgPool2d(1), x=torch.randn(1, 3, 8, 8))


def test_another_shape_of_the_whole_output_is_said() -> None:
    message = r"Choice 'op' at 1: 'to 5': found an output of the network of shape \(2, 5\), where"
    with pytest.warns(PdasWarning, match=message):
        check(nn.ReLU(), Choice("op", linears(4, 5)))


def test_weights_that_nothing_draws_are_named_before_the_search() -> None:
    class Scale(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.factor = nn.Parameter(torch.ones(8))

        def forward(self, x: Tensor) -> Tensor:
            return x * self.factor

    with pytest.warns(PdasWarning, match=r"check: nothing draws '0\.factor' afresh"):
        check(Scale(), Choice("op", linears(4, 4)))


def test_a_sample_of_one_goes_through_batch_norm() -> None:
    width = Value("width", [3, 4])
    norms = [Linear(8, width), BatchNorm1d(width), OptionalLayer("n", BatchNorm1d(width))]
    check(*norms, Linear(width, 2), x=torch.randn(1, 8))


def test_blocks_that_the_module_calls_itself_are_tried() -> None:
    class Loop(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = Repeat("depth", [nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(5, 8)])

        def forward(self, x: Tensor) -> Tensor:
            for layer in self.layers:
                x = layer(x)
            return x

    with pytest.raises(NetworkError, match=r"Repeat 'depth' at layers: 3 does not fit"):
        Supernet(Loop()).check(X)


def test_several_inputs_and_nested_outputs() -> None:
    class Pair(nn.Module):
        def forward(self, x: Tensor, *, y: Tensor) -> dict[str, Any]:
            return {"sum": x + y, "both": [x, y]}

    Supernet(Choice("op", {"a": Pair(), "b": Pair()})).check(X, y=X)


def test_two_widths_that_are_added_need_one_value() -> None:
    class Added(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = pdas.nn.Linear(3, Value("u", [4, 8]))
            self.second = pdas.nn.Linear(3, Value("v", [4, 8]))

        def forward(self, x: Tensor) -> Tensor:
            return self.first(x) + self.second(x)

    with pytest.raises(NetworkError, match=r"Value 'u' at first.out_features: .*one Value"):
        Supernet(Added()).check(torch.randn(2, 3))
