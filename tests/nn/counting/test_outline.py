"""Profiles without large products find and count what those with them do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import mobilenet_v3_small, resnet18, swin_t

from pdas.nn import Choice, OptionalLayer, Supernet, Value
from pdas.nn.counting import outline
from pdas.nn.counting.counter import Execution, counting
from pdas.nn.counting.outline import Outline, ValuesReadError, outlining
from pdas.support.errors import NetworkError
from tests.nn.choice_helpers import Everything, every

r = torch.randn


@pytest.fixture(autouse=True)
def _all_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outline, "LARGE", 1)


@pytest.fixture
def for_real(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Called, all that follows runs as it is."""
    return lambda: monkeypatch.setattr(Outline, "kernel", Execution.kernel)


def run(module: nn.Module, *inputs: Any, execution: Execution) -> tuple[Any, int]:
    with torch.no_grad(), counting(execution) as counter:
        return module.eval()(*inputs), counter.total


PRODUCTS: dict[str, tuple[nn.Module, tuple[int, ...]]] = {
    "linear": (nn.Linear(8, 4), (2, 8)),
    "linear of sequences": (nn.Linear(8, 4, bias=False), (2, 3, 8)),
    "convolution": (nn.Conv2d(8, 4, 3, stride=2, padding=1, dilation=2, groups=2), (2, 8, 9, 8)),
    "along time": (nn.Conv1d(8, 4, 3, padding="same", bias=False), (2, 8, 9)),
    "in space": (nn.Conv3d(2, 4, (1, 2, 3), stride=(1, 2, 1)), (1, 2, 4, 5, 6)),
    "one image": (nn.Conv2d(8, 4, 1), (8, 5, 5)),
    "heads": (nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), (2, 5, 8)),
}


@pytest.mark.parametrize("kind", PRODUCTS)
def test_products_are_not_computed(kind: str) -> None:
    module, shape = PRODUCTS[kind]
    x = r(shape)
    expected, count = run(module, x, execution=Execution())
    found, outlined = run(module, x, execution=Outline())
    assert outlined == count > 0
    assert (found.shape, found.stride(), found.dtype) == (
        expected.shape, expected.stride(), expected.dtype,
    )  # fmt: skip
    if kind != "heads":  # which end with a norm of the input
        assert not found.any()


@pytest.mark.parametrize("model", [resnet18, mobilenet_v3_small, swin_t])
def test_public_models_count_the_same(model: Callable[[], nn.Module]) -> None:
    module, x = model(), r(1, 3, 64, 64)
    expected, count = run(module, x, execution=Execution())
    with outlining(module) as lines:
        found, outlined = run(module, x, execution=lines)
    assert outlined == count
    assert found.shape == expected.shape


def test_a_cost_is_the_same(for_real: Callable[[], None]) -> None:
    net, x = Supernet(Everything()), r(1, 3, 16, 16)
    cost = net.cost("multiply_adds", x)
    for_real()
    expected = net.cost("multiply_adds", x)
    some = every(net)[::97]
    assert [cost(a) for a in some] == [expected(a) for a in some]


class Reads(nn.Module):
    """Applies a layer as often as the values of its input say; `how` reads them."""

    def __init__(self, how: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.first, self.layer = nn.Linear(4, 4), nn.Linear(4, 4)
        self.how = how

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        x = x - x + 3
        for _ in range(int(self.how(x))):
            x = self.layer(x)
        return x


HOW: dict[str, Callable[[Tensor], Any]] = {
    "item": lambda x: x.max().item(),
    "if": lambda x: 3 if (x == 3).all() else 0,
    "tolist": lambda x: x.tolist()[0][0],
    "numpy": lambda x: x.numpy().max(),
    "asarray": lambda x: x.__array__().max(),
    "mask": lambda x: 3 * len(x[x > 2]) / 4,
    "nonzero": lambda x: 3 * len(x.nonzero()) / 4,
    "equal": lambda x: 3 * torch.equal(x, torch.full_like(x, 3)),
    "caught": lambda x: _caught(lambda: x.max().item()),
}


def _caught(read: Callable[[], float]) -> float:
    try:
        return read()
    except Exception:
        return 7.0


@pytest.mark.parametrize("how", HOW)
def test_a_network_that_reads_values_runs_as_it_is(how: str) -> None:
    net = Supernet(nn.Sequential(Reads(HOW[how]), OptionalLayer("extra", nn.Linear(4, 4))))
    with pytest.raises(ValuesReadError):
        run(Reads(HOW[how]), r(1, 4), execution=Outline())
    cost = net.cost("multiply_adds", r(1, 4))
    assert [cost(a) for a in every(net)] == [5 * 16, 4 * 16]


def test_what_is_read_before_is_known() -> None:
    class Masked(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x[x.sum(1) > 0])

    x = torch.tensor([[1.0, 0, 0, 0], [-1, 0, 0, 0], [2, 0, 0, 0]])
    assert run(Masked(4, 4), x, execution=Outline())[1] == 2 * 16


class Keeps(nn.Module):
    """Computes a table in its first call and keeps it, as an attribute or a buffer."""

    def __init__(self, buffer: bool) -> None:
        super().__init__()
        self.frequencies = nn.Parameter(torch.ones(4, 1))
        self.buffer = buffer
        self.length = 0

    def forward(self, x: Tensor) -> Tensor:
        if self.length < len(x):
            self.length = len(x)
            table = torch.ones(len(x), 4) @ self.frequencies.detach()
            if self.buffer:
                self.register_buffer("table", table, persistent=False)
            else:
                self.table = table
        return x + self.table


@pytest.mark.parametrize("buffer", [False, True])
def test_nothing_is_kept_of_what_is_not_computed(buffer: bool) -> None:
    net = Supernet(nn.Sequential(Keeps(buffer), Choice("op", {"a": nn.ReLU(), "b": nn.Tanh()})))
    cost = net.cost("multiply_adds", r(3, 4))
    assert cost(net.space.architecture([0])) == 12
    y = net(torch.zeros(3, 4), net.space.architecture([0]))
    assert torch.equal(y, torch.full((3, 4), 4.0))


def test_lazy_modules_are_made_as_ever() -> None:
    net = Supernet(nn.Sequential(nn.LazyLinear(5), Choice("op", {"a": nn.ReLU(), "b": nn.Tanh()})))
    assert net.cost("multiply_adds", r(1, 3))(net.space.architecture([0])) == 15
    layer = net.module[0]
    assert (type(layer), layer.in_features, layer.weight.shape) == (nn.Linear, 3, (5, 3))


MISFITS: dict[str, tuple[Callable[[], nn.Module], Any, str]] = {
    "channels": (lambda: nn.Conv2d(3, 4, 1), r(1, 4, 5, 5), "expected input.* to have 3 channels"),
    "kernel": (lambda: nn.Conv2d(4, 4, 7), r(1, 4, 5, 5), "Kernel size can't be greater"),
    "features": (lambda: nn.Linear(3, 4), r(1, 4), "mat1 and mat2 shapes cannot be multiplied"),
    "type": (lambda: nn.Linear(4, 4).double(), r(1, 4), "mat1 and mat2 must have the same dtype"),
    "type of images": (
        lambda: nn.Conv2d(4, 4, 1).double(),
        r(1, 4, 5, 5),
        r"Input type \(float\) and bias type \(double\) should be the same",
    ),
    "index": (lambda: nn.Embedding(3, 4), torch.tensor([5]), "index out of range in self"),
}


@pytest.mark.parametrize("kind", MISFITS)
def test_what_does_not_fit_is_told_as_a_real_run_tells_it(kind: str) -> None:
    make, x, message = MISFITS[kind]
    fitting = nn.Embedding(9, 4) if kind == "index" else nn.Identity()
    net = Supernet(nn.Sequential(Choice("op", {"good": fitting, "bad": make()})))
    with pytest.raises(NetworkError, match=f"'bad' does not fit in the network.*{message}"):
        net.check(x)


UNUSUAL: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "padding": (F.conv2d, (r(1, 2, 5, 5), r(2, 2, 3, 3), None, 1, -1)),
    "stride": (F.conv2d, (r(1, 2, 5, 5), r(2, 2, 3, 3), None, 0)),
    "dilation": (F.conv2d, (r(1, 2, 5, 5), r(2, 2, 3, 3), None, 1, 0, 0)),
    "groups": (F.conv2d, (r(1, 4, 5, 5), r(3, 2, 3, 3), None, 1, 0, 1, 2)),
    "bias": (F.conv2d, (r(1, 2, 5, 5), r(2, 2, 3, 3), r(3))),
    "bias of a product": (torch.addmm, (r(3), r(2, 2), r(2, 2))),
    "batches": (torch.bmm, (r(2, 3, 3), r(3, 3, 3))),
}


@pytest.mark.parametrize("kind", UNUSUAL)
def test_what_is_refused_is_refused(kind: str) -> None:
    function, args = UNUSUAL[kind]
    with pytest.raises(RuntimeError) as expected:
        function(*args)
    with pytest.raises(RuntimeError) as found, torch.no_grad(), counting(Outline()):
        function(*args)
    assert str(found.value) == str(expected.value)


def test_what_fails_without_values_alone_is_no_misfit() -> None:
    class Checks(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            y = super().forward(x)
            torch._assert_async(y.abs().sum())  # raises where all is 0
            return y

    width = Value("width", [1, 2])
    net = Supernet(nn.ModuleDict({"a": Checks(4, 4), "b": width}))
    net.module.forward = lambda x: net.module["a"](x) * width.value
    net.check(r(1, 4))
    assert net.cost("multiply_adds", r(1, 4))(net.space.architecture([1])) == 16
