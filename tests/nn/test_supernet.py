"""A supernet runs a module of the user's own by the architecture that it is handed."""

from __future__ import annotations

import copy
import io
import threading
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pdas.nn import Choice, Linear, OptionalLayer, Repeat, Supernet, Value
from pdas.space import SearchSpace
from pdas.support.errors import NetworkError, SpaceError
from tests.nn.choice_helpers import Everything

X = torch.randn(2, 3, 16, 16)


class Tree(nn.Module):
    """One name in two places, and choices inside of candidates."""

    def __init__(self) -> None:
        super().__init__()
        inner = Choice("inner", {"a": nn.Identity(), "b": nn.Tanh()})
        self.outer = Choice("outer", {"x": nn.Sequential(inner), "y": nn.ReLU()})
        deep = [OptionalLayer(f"extra{i}", nn.Tanh()) for i in range(3)]
        self.stack = Repeat("depth", deep, [1, 2, 3])
        self.act = nn.ModuleList(
            Choice("act", {"relu": nn.ReLU(), "tanh": nn.Tanh()}) for _ in range(2)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.act[1](self.stack(self.act[0](self.outer(x))))


def test_a_name_is_one_variable_in_the_order_of_the_module() -> None:
    space = Supernet(Tree()).space
    assert list(space) == ["outer", "inner", "depth", "extra0", "extra1", "extra2", "act"]
    assert space["depth"] == (1, 2, 3) and space["extra0"] == (True, False)


def test_both_places_of_a_name_have_the_same_category() -> None:
    net = Supernet(Tree())
    seen: list[str] = []
    for place, choice in enumerate(net.module.act):
        for label, candidate in zip(("relu", "tanh"), choice.children(), strict=True):
            name = f"{place} {label}"
            candidate.register_forward_hook(lambda m, i, o, name=name: seen.append(name))
    labels = net.space.uniform(np.random.default_rng(0)).to_dict()
    for label in ("tanh", "relu"):
        net(X, net.space.architecture(labels | {"act": label}))
    assert seen == ["0 tanh", "1 tanh", "0 relu", "1 relu"]


def test_variables_count_only_where_their_candidate_is_taken() -> None:
    net = Supernet(Tree())
    labels = net.space.architecture([0] * 7).to_dict()

    def active(**changes: Any) -> set[str]:
        used = net.active(net.space.architecture(labels | changes))
        assert used.dtype == bool and used.shape == (7,)
        return {name for name, use in zip(net.space, used, strict=True) if use}

    always = {"outer", "depth", "extra0", "act"}
    assert active() == always | {"inner"}
    assert active(outer="y") == always
    assert active(outer="y", depth=2) == always | {"extra1"}
    assert active(depth=3) == set(net.space)


def test_a_variable_in_two_candidates_is_active_in_either() -> None:
    def inner() -> Choice:
        return Choice("inner", {"a": nn.ReLU(), "b": nn.Tanh()})

    net = Supernet(Choice("outer", {"x": inner(), "y": inner(), "z": nn.Tanh()}))
    used = [net.active(net.space.architecture([i, 0]))[1] for i in range(3)]
    assert used == [True, True, False]


def test_the_architecture_is_given_last_or_by_name() -> None:
    net = Supernet(Everything())
    architecture = net.space.uniform(np.random.default_rng(0))
    expected = net(X, architecture)
    assert torch.equal(net(X, architecture=architecture), expected)
    assert torch.equal(net(x=X, architecture=architecture), expected)
    assert torch.equal(net(architecture, x=X), expected)


@pytest.mark.parametrize("arguments", [(X,), (), (X, {"width": 2}), (X, None)])
def test_a_call_without_an_architecture_is_named(arguments: Any) -> None:
    with pytest.raises(NetworkError, match=r"where the architecture is expected; call net\(x, arc"):
        Supernet(Everything())(*arguments)


def test_an_architecture_of_another_space_is_named() -> None:
    other = SearchSpace({"width": [1, 2]}).architecture([0])
    net = Supernet(Everything())
    for use in (lambda: net(X, other), lambda: net.derive(other), lambda: net.active(other)):
        with pytest.raises(SpaceError, match="of another search space"):
            use()


def test_after_an_error_it_is_as_before() -> None:
    net = Supernet(Everything())
    architecture = net.space.uniform(np.random.default_rng(0))
    expected = net(X, architecture)
    with pytest.raises(RuntimeError):
        net(X[:, :1], architecture)
    with pytest.raises(NetworkError, match="found no architecture"):
        net.module(X)
    assert torch.equal(net(X, architecture), expected)


def test_two_supernets_of_one_module_and_a_copy_do_not_disturb_each_other() -> None:
    module = Everything()
    first, second = Supernet(module), Supernet(module)
    third = copy.deepcopy(first)
    torch.save(first, file := io.BytesIO())
    file.seek(0)
    fourth = torch.load(file, weights_only=False)
    a, b = first.space.architectures([[0] * len(first.space), [1] * len(first.space)])
    expected = first(X, a)
    assert torch.equal(second(X, a), expected)
    for net in (third, fourth):
        assert torch.equal(net(X, a), expected)
        assert not torch.equal(net(X, b), expected)
    with torch.no_grad():
        for weight in third.parameters():
            weight.zero_()
    assert torch.equal(first(X, a), expected)


def test_a_call_within_a_call_goes_back_to_the_architecture_around_it() -> None:
    class Within(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.number = Value("number", [1, 2])

        def forward(self, x: Tensor, other: Any = None) -> Tensor:
            before = self.number.value
            inside = 0 if other is None else net(x, other)
            return x * 0 + 100 * inside + 10 * before + self.number.value

    net = Supernet(Within())
    one, two = net.space.architectures([[0], [1]])
    assert net(torch.zeros(1), two, one).item() == 100 * 22 + 11


@pytest.mark.parametrize("thing", [nn.Linear(2, 2), nn.Sequential(nn.ReLU(), nn.Tanh())])
def test_a_module_without_choices_is_named(thing: nn.Module) -> None:
    name = type(thing).__name__
    with pytest.raises(NetworkError, match=f"Supernet: found no choice in {name}, expected at lea"):
        Supernet(thing)


def test_no_module_is_named() -> None:
    with pytest.raises(NetworkError, match=r"Supernet: found dict, expected a torch\.nn\.Mod"):
        Supernet({"op": nn.ReLU()})  # type: ignore[arg-type]


@pytest.mark.parametrize("other", [("a", "c"), ("b", "a"), ("a", "b", "c")])
def test_one_name_with_other_candidates_is_named(other: tuple[str, ...]) -> None:
    module = nn.ModuleDict(
        {
            "first": Choice("op", {"a": nn.ReLU(), "b": nn.Tanh()}),
            "second": nn.Sequential(Choice("op", {label: nn.ReLU() for label in other})),
        }
    )
    with pytest.raises(
        SpaceError, match=r"choice 'op': found \['.* at second\.0 and \['a', 'b'\] "
    ):
        Supernet(module)


def test_true_is_not_one() -> None:
    module = nn.ModuleList([OptionalLayer("op", nn.ReLU()), Value("op", [1, 0])])
    with pytest.raises(SpaceError, match=r"found \[1, 0\] at 1 and \[True, False\] at 0"):
        Supernet(module)


class Wrapper(nn.parallel.DistributedDataParallel):
    """As of a process group, without one."""

    def __init__(self) -> None:
        nn.Module.__init__(self)
        self.module = Choice("op", {"a": nn.ReLU()})


def test_a_choice_in_a_data_parallel_is_named() -> None:
    module = nn.Sequential(nn.Linear(2, 2), nn.DataParallel(Choice("op", {"a": nn.ReLU()})))
    with pytest.raises(NetworkError, match=r"module 1: found choices in a nn\.DataParallel, exp"):
        Supernet(module)
    with pytest.raises(NetworkError, match=r"module \(the whole\): found choices in a nn\.Wrapper"):
        Supernet(Wrapper())
    net = Supernet(Choice("op", {"a": nn.ReLU()}))
    replica = net._replicate_for_data_parallel()  # what nn.DataParallel calls, on many devices
    with pytest.raises(NetworkError, match=r"Supernet: found it in nn\.DataParallel, whose"):
        replica(X, net.space.architecture([0]))


@pytest.mark.filterwarnings("default")
def test_a_choice_under_compilation_is_named() -> None:
    choice = Choice("op", {"a": nn.ReLU()})
    with pytest.raises(
        NetworkError, match=r"module 0: found choices in a module of torch\.compile"
    ):
        Supernet(nn.Sequential(torch.compile(choice)))
    net = Supernet(choice)
    architecture = net.space.architecture([0])
    for compiled in (
        torch.compile(net, backend="eager"),
        torch.compile(lambda *a: net(*a), backend="eager"),
    ):
        with pytest.raises(NetworkError, match=r"Supernet: found it under torch\.compile"):
            compiled(X, architecture)
    choice.compile(backend="eager")
    with pytest.raises(NetworkError, match=r"Choice 'op' at .*: found it under torch\.compile"):
        net(X, architecture)


def test_calls_in_two_threads_at_once_are_named() -> None:
    inside, go_on = threading.Event(), threading.Event()

    class Waits(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            inside.set()
            go_on.wait(10)
            return x

    net = Supernet(Choice("op", {"slow": Waits(), "fast": nn.ReLU()}))
    slow, fast = net.space.architectures([[0], [1]])
    outputs: list[Tensor] = []
    thread = threading.Thread(target=lambda: outputs.append(net(X, slow)))
    thread.start()
    inside.wait(10)
    with pytest.raises(NetworkError, match="found a call in another thread under way"):
        net(X, fast)
    go_on.set()
    thread.join()
    assert torch.equal(outputs[0], X)
    assert torch.equal(net(X, fast), X.relu())


def test_a_compiled_candidate_is_none_of_our_business() -> None:
    net = Supernet(Choice("op", {"a": torch.compile(nn.ReLU(), backend="eager"), "b": nn.Tanh()}))
    assert torch.equal(net(X, net.space.architecture([0])), X.relu())


def test_a_choice_that_is_not_registered_is_named() -> None:
    class Hidden(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.seen = Linear(2, Value("width", [2, 3]))
            self.hidden = hidden

    choice = Choice("op", {"a": nn.ReLU()})
    for hidden in ([choice], {"first": choice}, (choice,)):
        message = rf"Choice 'op': found it in the {type(hidden).__name__} 'hidden' of module 1"
        with pytest.raises(NetworkError, match=message):
            Supernet(nn.Sequential(nn.ReLU(), Hidden()))


def test_which_categories_take_modules_with_weights() -> None:
    inner = Choice("inner", {"deep": Linear(4, 4), "none": nn.Identity()})
    module = nn.Sequential(
        Choice("op", {"nested": nn.Sequential(inner), "linear": Linear(4, 4), "tanh": nn.Tanh()}),
        OptionalLayer("extra", Linear(4, 4)),
        Repeat("depth", [Linear(4, 4), Linear(4, 4)], [1, 2]),
        Linear(4, Value("width", [2, 4])),
        Choice("act", {"relu": nn.ReLU(), "tanh": nn.Tanh()}),
    )
    net = Supernet(module)
    assert {
        name: mask.tolist() for name, mask in zip(net.space, net.with_weights(), strict=True)
    } == {
        "op": [True, True, False],
        "inner": [True, False],
        "extra": [True, False],
        "depth": [True, True],
        "width": [False, False],
        "act": [False, False],
    }
