"""Copies of containers, and tensors that were changed in place."""

from __future__ import annotations

import threading
from collections import OrderedDict, UserDict, defaultdict, deque, namedtuple
from collections.abc import Callable
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_sequence

from pdas.support.containers import Versions, with_own_containers

X = torch.arange(6.0).reshape(2, 3)
Pair = namedtuple("Pair", "x parts")


@dataclass
class Plain:
    x: Tensor
    parts: list[Any]


@dataclass(frozen=True)
class Frozen:
    x: Tensor
    parts: list[Any]


@dataclass(slots=True)
class Slotted:
    x: Tensor
    parts: list[Any]
    more: list[int] = field(default_factory=list)


class Encoding(UserDict[str, Any]):
    """As `BatchEncoding` of Hugging Face: a mapping with an attribute beside its items."""

    def __init__(self, data: Any, encodings: str = "") -> None:
        super().__init__(data)
        self.encodings = encodings


class Own:
    def __init__(self, x: Tensor, parts: list[Any]) -> None:
        self.x, self.parts = x, parts


def own(value: Any) -> Any:
    return with_own_containers(value, lambda tensor, path: tensor, "batch")


KINDS: dict[str, tuple[Callable[[Tensor, list[Any]], Any], Callable[[Any], tuple[Any, Any]]]] = {
    "list": (lambda x, parts: [x, parts], tuple),
    "tuple": (lambda x, parts: (x, parts), tuple),
    "named tuple": (Pair, tuple),
    "dict": (lambda x, parts: {"x": x, "parts": parts}, lambda b: tuple(b.values())),
    "ordered": (lambda x, parts: OrderedDict(x=x, parts=parts), lambda b: tuple(b.values())),
    "default": (
        lambda x, parts: defaultdict(list, x=x, parts=parts),
        lambda b: tuple(b.values()),
    ),
    "encoding": (
        lambda x, parts: Encoding({"x": x, "parts": parts}, "kept"),
        lambda b: tuple(b.values()),
    ),
    "read-only": (
        lambda x, parts: MappingProxyType({"x": x, "parts": parts}),
        lambda b: tuple(b.values()),
    ),
    "deque": (lambda x, parts: deque([x, parts]), tuple),
    "dataclass": (Plain, lambda b: (b.x, b.parts)),
    "frozen": (Frozen, lambda b: (b.x, b.parts)),
    "slots": (Slotted, lambda b: (b.x, b.parts)),
    "own class": (Own, lambda b: (b.x, b.parts)),
    "nested": (lambda x, parts: {"a": [({"x": x}, parts)]}, lambda b: (
        b["a"][0][0]["x"], b["a"][0][1])),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_containers_are_copied_and_tensors_are_the_same(kind: str) -> None:
    make, read = KINDS[kind]
    parts = [X, {"name": "a"}]
    before = make(X, parts)
    after = own(before)
    x, copied = read(after)
    assert type(after) is type(before) and x is X and copied[0] is X
    copied[1].clear()
    copied.clear()
    assert len(parts) == 2 and parts[1] == {"name": "a"} and read(before)[1] is parts


@pytest.mark.parametrize("kind", ["list", "dict", "encoding", "dataclass", "own class", "deque"])
def test_what_is_put_into_a_copy_is_not_in_the_original(kind: str) -> None:
    make, read = KINDS[kind]
    before = make(X, [])
    after = own(before)
    if hasattr(after, "__setitem__"):
        after["x" if hasattr(after, "keys") else 0] = None
    else:
        after.x = None
    assert read(after)[0] is None and read(before)[0] is X


def test_what_is_beside_the_items_is_kept() -> None:
    assert own(Encoding({"x": X}, "kept")).encodings == "kept"
    assert own(defaultdict(list, x=X))["new"] == []


@pytest.mark.parametrize(
    "value",
    [
        "text",
        7,
        None,
        np.ones(3),
        nn.Linear(2, 2),
        torch.zeros(3).max(0),  # a tuple of torch's own
        X.shape,
        X.device,
        X.dtype,
        (i for i in range(3)),
        threading.Lock(),
        (X, X),  # cannot change, and neither can what is in it
        pack_sequence([torch.ones(3), torch.ones(2)]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_container_or_cannot_change_is_shared(value: Any) -> None:
    found = own([value])[0]
    assert found is value or (isinstance(value, torch.device) and found == value)


def test_what_is_there_twice_or_contains_itself_is_so_in_the_copy() -> None:
    shared: list[Any] = [X]
    loop: dict[str, Any] = {"a": shared, "b": shared}
    loop["self"] = loop
    found = own(loop)
    assert found is not loop and found["self"] is found
    assert found["a"] is found["b"] and found["a"] is not shared


class Made(UserDict[str, Any]):
    """Makes its values when they are asked for, so that one may stand where another was."""

    def __getitem__(self, key: str) -> Any:
        value = super().__getitem__(key)
        return [value] if isinstance(value, str) else value


def test_what_is_gone_is_not_taken_for_what_comes_after_it() -> None:
    found = own([Made({"a": f"name {index}"}) for index in range(50)])
    assert [each.data["a"] for each in found] == [[f"name {index}"] for index in range(50)]


def test_tensors_are_replaced_wherever_they_are() -> None:
    packed = pack_sequence([torch.ones(3), torch.ones(2)])
    value = (X, Pair(X, [X]), Frozen(X, [{"x": X}]), packed, MappingProxyType({"x": X}))
    found = with_own_containers(value, lambda tensor, path: tensor + 1, "batch")
    assert isinstance(found[1], Pair) and isinstance(found[3], PackedSequence)
    for tensor in (found[0], found[1].x, found[1].parts[0], found[2].x, found[4]["x"]):
        assert torch.equal(tensor, X + 1)
    assert torch.equal(found[2].parts[0]["x"], X + 1) and torch.equal(found[3].data, packed[0] + 1)


def test_a_path_says_how_a_tensor_is_reached() -> None:
    paths: list[str] = []

    def keep(tensor: Tensor, path: str) -> Tensor:
        paths.append(path)
        return tensor

    with_own_containers([X, {"y": (X,)}, Plain(X, [Own(X, [])])], keep, "batch")
    expected = ["batch[0]", "batch[1]['y'][0]", "batch[2].x", "batch[2].parts[0].x"]
    assert paths == expected


CHANGES: dict[str, Callable[[Tensor], Any]] = {
    "method": lambda x: x.mul_(2),
    "operator": lambda x: x.__iadd__(1),
    "item": lambda x: x.__setitem__(0, 0),
    "view": lambda x: x.view(-1)[1:].zero_(),
    "row": lambda x: x[0].fill_(3),
    "transposed": lambda x: x.t().clamp_(min=1),
    "detached": lambda x: x.detach().neg_(),
    "out": lambda x: torch.mul(x, 2, out=x),
    "module": lambda x: nn.ReLU(inplace=True)(x),
    "same values": lambda x: x.copy_(x.clone()),
}
KEEPS: dict[str, Callable[[Tensor], Any]] = {
    "new": lambda x: x * 2,
    "clone": lambda x: x.clone().mul_(2),
    "to": lambda x: x.to(torch.float64).mul_(2),
    "reads": lambda x: x[0].sum().item(),
}


@pytest.mark.parametrize("inference", [False, True])
@pytest.mark.parametrize("name", [*CHANGES, *KEEPS])
def test_a_change_in_place_is_found(name: str, inference: bool) -> None:
    batch = {"x": X.clone(), "y": X.clone()}
    versions = Versions.of(batch, "batch")
    with torch.inference_mode(inference):
        (CHANGES | KEEPS)[name](batch["y"])
    assert versions.changed() == ("batch['y']" if name in CHANGES else None)


def test_tensors_of_inference_mode_have_no_versions() -> None:
    with torch.inference_mode():
        x = torch.ones(2)
    versions = Versions.of([x, X], "batch")
    assert versions.changed() is None
    with pytest.raises(RuntimeError, match="outside InferenceMode"):  # so nothing is missed
        x.mul_(2)
