"""Each kind of choice runs what was chosen, and becomes that in a derived network."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pdas.nn import Choice, InputChoice, OptionalLayer, Repeat, Supernet, Value
from pdas.support.errors import NetworkError, SpaceError

X = torch.tensor([1.0, -2.0])


class Add(nn.Module):
    """Adds a number that tells it from others."""

    def __init__(self, number: float) -> None:
        super().__init__()
        self.number = number

    def forward(self, x: Tensor) -> Tensor:
        return x + self.number


def outputs(module: nn.Module, *inputs: Any) -> Iterator[tuple[Any, Any]]:
    """For each category of its one choice: the supernet's output, and the derived network's."""
    net = Supernet(module)
    for category in range(int(net.space.sizes[0])):
        architecture = net.space.architecture([category])
        yield net(*inputs, architecture), net.derive(architecture)(*inputs)


def assert_both(module: nn.Module, expected: list[Tensor], *inputs: Any) -> None:
    found = list(outputs(module, *(inputs or (X,))))
    assert len(found) == len(expected)
    for (output, derived), value in zip(found, expected, strict=True):
        assert torch.equal(output, value) and torch.equal(derived, value)


def test_a_choice_runs_the_candidate_and_becomes_it() -> None:
    choice = Choice("op", {"one": Add(1), "two": Add(2), "none": nn.Identity()})
    assert_both(choice, [X + 1, X + 2, X])
    assert Supernet(choice).space["op"] == ("one", "two", "none")


def test_a_candidate_is_called_as_it_is() -> None:
    class Weighted(nn.Module):
        def forward(self, x: Tensor, y: Tensor, *, scale: float = 1.0) -> Tensor:
            return scale * (x - y)

    net = Supernet(Choice("op", {"only": Weighted()}))
    architecture = net.space.architecture({"op": "only"})
    assert torch.equal(net(X, X / 2, architecture, scale=4.0), 2 * X)


def test_labels_may_be_numbers() -> None:
    choice = Choice("kernel", {3: Add(3), 5: Add(5)})
    assert Supernet(choice).space["kernel"] == (3, 5)
    assert_both(choice, [X + 3, X + 5])


def test_an_optional_layer_is_used_or_passed_over() -> None:
    assert_both(OptionalLayer("extra", Add(1)), [X + 1, X])


def test_the_first_blocks_are_repeated() -> None:
    blocks = [Add(1), Add(10), Add(100)]
    assert_both(Repeat("depth", blocks), [X + 1, X + 11, X + 111])
    assert_both(Repeat("depth", blocks, [3, 0]), [X + 111, X])


def test_one_of_several_tensors_is_read() -> None:
    inputs = [X, 2 * X, 3 * X]
    assert_both(InputChoice("from", 3), inputs, inputs)
    assert Supernet(InputChoice("from", 3)).space["from"] == (0, 1, 2)
    assert Supernet(InputChoice("from", ["a", "b"])).space["from"] == ("a", "b")


def test_so_many_of_several_tensors_are_read() -> None:
    inputs = [X, 2 * X, 3 * X, 4 * X]
    choice = InputChoice("from", 4, choose=2)
    labels = Supernet(choice).space["from"]
    assert labels == ("0+1", "0+2", "0+3", "1+2", "1+3", "2+3")
    for (output, derived), chosen in zip(
        outputs(choice, inputs), combinations(inputs, 2), strict=True
    ):
        for found in (output, derived):
            assert all(torch.equal(a, b) for a, b in zip(found, chosen, strict=True))
    assert "stem+body" in Supernet(InputChoice("f", ["stem", "body", "x"], choose=2)).space["f"]


def test_a_module_reads_a_plain_value() -> None:
    class Scale(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.factor = Value("factor", [0.5, 2.0])

        def forward(self, x: Tensor) -> Tensor:
            return x * self.factor.value

    assert_both(Scale(), [X / 2, X * 2])


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Choice("op", {}), SpaceError, "no categories"),
        (lambda: Choice("", {"a": Add(1)}), SpaceError, "expected a non-empty string"),
        (lambda: Choice("op", {"a": "relu"}), NetworkError, "'relu', expected a torch.nn.Module"),
        (lambda: Choice("op", [Add(1)]), NetworkError, "found list, expected candidates by label"),
        (lambda: OptionalLayer("op", None), NetworkError, "expected a torch.nn.Module"),
        (lambda: Repeat("n", [Add(1)], [2]), NetworkError, "the count 2, expected 0 to 1"),
        (lambda: Repeat("n", [Add(1)], [1.0]), NetworkError, "the count 1.0"),
        (lambda: Repeat("n", []), SpaceError, "no categories"),
        (lambda: InputChoice("f", 2, choose=3), NetworkError, "choose = 3, expected 1 to 2"),
        (lambda: InputChoice("f", 2, choose=0), NetworkError, "choose = 0"),
        (lambda: InputChoice("f", "ab"), NetworkError, "found 'ab', expected how many"),
        (lambda: InputChoice("f", 30, choose=15), NetworkError, "155,117,520 ways to choose 15"),
        (lambda: Repeat("n", Add(1)), NetworkError, "found Add, expected a list of modules"),
        (lambda: Value("v", [1, 1]), SpaceError, "duplicate category 1"),
        (lambda: 1.5 * Value("v", [1]), NetworkError, "multiplied by 1.5"),
        (lambda: InputChoice("f", 2.5), NetworkError, "found 2.5, expected how many"),
        (lambda: InputChoice("f", 2, choose="a"), NetworkError, "choose = 'a'"),
        (lambda: Repeat("n", [Add(1)], [True]), NetworkError, "the count True"),
    ],
)
def test_what_is_no_choice_is_named(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_too_few_tensors_are_named() -> None:
    net = Supernet(InputChoice("from", 3))
    for inputs, found in (([X, X], "list of 2"), (torch.ones(3, 2), "Tensor of 3")):
        message = rf"InputChoice 'from' at .*: found {found}, expected a list of 3 tensors"
        with pytest.raises(NetworkError, match=message):
            net(inputs, net.space.architecture([0]))


@pytest.mark.parametrize("use", [lambda c: c(X), lambda c: c.selected])
def test_a_choice_by_itself_has_no_architecture(use: Any) -> None:
    choice = Choice("op", {"a": Add(1)})
    with pytest.raises(NetworkError, match=r"Choice 'op': found it used outside of a supernet"):
        use(choice)
    Supernet(choice)
    with pytest.raises(NetworkError, match=r"no architecture .*, not the module itself") as caught:
        use(choice)
    assert "\n" not in str(caught.value)


def test_blocks_of_more_inputs_are_called_in_a_loop() -> None:
    class Shift(nn.Module):
        def forward(self, x: Tensor, by: Tensor) -> Tensor:
            return x + by

    class Loop(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = Repeat("depth", [Shift() for _ in range(3)])

        def forward(self, x: Tensor, by: Tensor) -> Tensor:
            for layer in self.layers:
                x = layer(x, by)
            return x

    assert_both(Loop(), [X + 1, X + 2, X + 3], X, torch.ones(2))


@pytest.mark.parametrize(
    "use", [lambda v: v == 3, lambda v: v != "a", lambda v: v in [1.0], lambda v: not v, bool]
)
def test_a_value_is_read_and_never_compared_itself(use: Any) -> None:
    with pytest.raises(NetworkError, match=r"Value 'k': found it compared .*; read `\.value`"):
        use(Value("k", [3, 5]))


def test_values_are_told_apart_as_objects() -> None:
    first, second = Value("k", [3, 5]), Value("k", [3, 5])
    assert first == first and first != second and len({first, second, first}) == 2
