"""Each compiled operator against torch's own operations, which are in `by_torch`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._pytree import tree_map_only

from pdas.kernels import by_torch, operators
from tests.kernels.compiled import need_library, worst

SIZES = [  # samples, channels, height, width: no multiple of any vector, odd sides, one sample
    (4, 16, 8, 8),
    (3, 5, 7, 5),
    (1, 20, 6, 9),
    (35, 37, 3, 4),
    (40, 4, 3, 2),
]
LAYOUTS = ["channels_last", "contiguous", "strided"]


@pytest.fixture(autouse=True)
def _library() -> Iterator[None]:
    need_library()
    torch.manual_seed(0)
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def laid_out(x: Tensor, layout: str) -> Tensor:
    if layout == "strided":  # every second column of a wider map
        return torch.stack([x, torch.full_like(x, torch.nan)], dim=-1).flatten(3)[..., ::2]
    return x.contiguous(memory_format=getattr(torch, f"{layout}_format", torch.channels_last))


def leaf(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, dtype=dtype).requires_grad_()


def separable_arguments(
    size: tuple[int, ...], kernel: int, stride: int, norm: str, dtype: torch.dtype = torch.float64
) -> list[Any]:
    samples, channels, *_ = size
    halves = []
    for _ in range(2):
        weights = leaf(channels, 1, kernel, kernel, dtype=dtype), leaf(channels, channels, 1, 1)
        halves += [weights[0], weights[1].detach().to(dtype).requires_grad_()]
        halves += norm_arguments(channels, norm, dtype)
    keep = torch.rand(samples, dtype=dtype) if norm != "plain" else None
    return [leaf(*size, dtype=dtype), *halves, keep, stride, 1e-5]


def norm_arguments(channels: int, norm: str, dtype: torch.dtype) -> list[Tensor | None]:
    affine = [None, None] if norm == "plain" else [leaf(channels, dtype=dtype) for _ in range(2)]
    given = torch.stack([torch.randn(channels), torch.rand(channels) + 0.1]).double()
    return [*affine, given if norm == "given" else None]


def pointwise_arguments(
    size: tuple[int, ...], parts: int, norm: str, dtype: torch.dtype = torch.float64
) -> list[Any]:
    samples, _, *sides = size
    xs = [leaf(*size, dtype=dtype)]
    if parts == 1:
        xs.append(leaf(samples, 3, *sides, dtype=dtype))
    width = sum(x.shape[1] for x in xs)
    mixes = [leaf(out, width, 1, 1, dtype=dtype) for out in (7, 6)[:parts]]
    keep = torch.rand(samples, dtype=dtype) if norm != "plain" else None
    return [xs, mixes, *norm_arguments(sum(m.shape[0] for m in mixes), norm, dtype), keep, 1e-5]


def tensors(arguments: list[Any]) -> list[Tensor]:
    flat = [x for a in arguments for x in (a if isinstance(a, list) else [a])]
    return [x for x in flat if isinstance(x, Tensor) and x.requires_grad]


def check(name: str, arguments: list[Any], within: float = 1e-10) -> None:
    """The result and all gradients."""
    found = operator(name)(*arguments)
    expected = getattr(by_torch, name)(*arguments)
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert worst(found, expected) < within
    gradient = torch.randn_like(expected)
    inputs = tensors(arguments)
    gradients = (torch.autograd.grad(out, inputs, gradient) for out in (found, expected))
    for ours, theirs in zip(*gradients, strict=True):
        assert worst(ours, theirs) < within


def operator(name: str) -> Callable[..., Tensor]:
    def first(*arguments: Any) -> Tensor:
        result = getattr(torch.ops.pdas, name)(*arguments)
        return result if isinstance(result, Tensor) else result[0]

    return first


@pytest.mark.parametrize("norm", ["plain", "affine", "given"])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("size", SIZES)
def test_separable_convolution(size: tuple[int, ...], kernel: int, stride: int, norm: str) -> None:
    check("separable", separable_arguments(size, kernel, stride, norm))


@pytest.mark.parametrize("norm", ["plain", "affine", "given"])
@pytest.mark.parametrize("parts", [1, 2], ids=["side by side", "alternate pixels"])
@pytest.mark.parametrize("size", SIZES)
def test_pointwise(size: tuple[int, ...], parts: int, norm: str) -> None:
    check("pointwise", pointwise_arguments(size, parts, norm))


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("name", ["average_pool", "max_pool"])
@pytest.mark.parametrize("size", [*SIZES, (2, 3, 1, 1)])
def test_pooling(size: tuple[int, ...], name: str, stride: int) -> None:
    check(name, [leaf(*size), stride])


@pytest.mark.parametrize("channels", [16, 5])  # a map may be made in the place of another, or not
@pytest.mark.parametrize("norm", ["plain", "affine"])
def test_without_gradients_results_are_the_same_to_the_last_bit(channels: int, norm: str) -> None:
    size = (3, channels, 6, 7)
    for name, arguments in (
        ("separable", separable_arguments(size, 5, 1, norm, torch.float32)),
        ("pointwise", pointwise_arguments(size, 1, norm, torch.float32)),
        ("pointwise", pointwise_arguments(size, 2, norm, torch.float32)),
    ):
        if name == "pointwise" and channels == 16:
            arguments[1] = [leaf(16, m.shape[1], 1, 1, dtype=torch.float32) for m in arguments[1]]
            arguments[2:5] = None, None, None
        expected = getattr(operators, name)(*arguments)
        before = [x.clone() for x in tensors(arguments)]
        with torch.no_grad():
            found = getattr(operators, name)(*arguments)
        assert all(torch.equal(*pair) for pair in zip(found, expected, strict=True))
        assert all(torch.equal(*pair) for pair in zip(tensors(arguments), before, strict=True))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_layout_of_inputs_and_gradients(layout: str) -> None:
    size = (3, 5, 6, 4)
    for name, arguments in (
        ("separable", separable_arguments(size, 3, 1, "affine")),
        ("pointwise", pointwise_arguments(size, 1, "plain")),
        ("max_pool", [leaf(*size), 1]),
        ("average_pool", [leaf(*size), 1]),
    ):
        first = arguments[0]
        x = first[0] if isinstance(first, list) else first
        other = laid_out(x.detach(), layout).requires_grad_()
        changed = [[other, *first[1:]] if isinstance(first, list) else other, *arguments[1:]]
        out, expected = operator(name)(*changed), operator(name)(*arguments)
        assert torch.equal(out, expected)
        gradient = torch.randn_like(out)
        (found,) = torch.autograd.grad(out, [other], laid_out(gradient, layout))
        (same,) = torch.autograd.grad(expected, [x], gradient)
        assert torch.equal(found, same)


@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("size", [(2, 5, 6, 6), (2, 32, 5, 4)])
def test_what_is_not_finite_is_so_in_the_same_places(size: tuple[int, ...], bad: float) -> None:
    for name, arguments in (
        ("separable", separable_arguments(size, 3, 1, "given")),
        ("separable", separable_arguments(size, 5, 2, "plain")),
        ("pointwise", pointwise_arguments(size, 2, "given")),
        ("pointwise", pointwise_arguments(size, 1, "affine")),
        ("average_pool", [leaf(*size), 2]),
        ("max_pool", [leaf(*size), 1]),
    ):
        first = arguments[0]
        x = first[0] if isinstance(first, list) else first
        with torch.no_grad():
            x[0, 1, 2, 2] = bad
        check(name, arguments)


def test_equal_pixels_and_windows_of_minus_infinity_have_the_places_of_torch() -> None:
    for x in (torch.zeros(2, 3, 5, 5), torch.full((2, 3, 5, 5), -torch.inf)):
        check("max_pool", [x.double().requires_grad_(), 1])


@pytest.mark.parametrize("threads", [2, 3])
def test_the_number_of_threads_changes_no_bit(threads: int) -> None:
    def results(count: int) -> list[Tensor]:
        torch.set_num_threads(count)
        torch.manual_seed(1)
        found = []
        for name, arguments in (
            ("separable", separable_arguments((37, 20, 9, 7), 5, 1, "affine", torch.float32)),
            ("separable", separable_arguments((37, 20, 9, 7), 3, 2, "plain", torch.float32)),
            ("pointwise", pointwise_arguments((37, 20, 9, 7), 1, "affine", torch.float32)),
            ("pointwise", pointwise_arguments((37, 20, 9, 7), 2, "plain", torch.float32)),
            ("average_pool", [leaf(5, 20, 9, 7, dtype=torch.float32), 1]),
            ("max_pool", [leaf(5, 20, 9, 7, dtype=torch.float32), 2]),
        ):
            out = operator(name)(*arguments)
            found += [out, *torch.autograd.grad(out.square().sum(), tensors(arguments))]
        return found

    for one, several in zip(results(1), results(threads), strict=True):
        assert torch.equal(one, several)


@pytest.mark.parametrize("frozen", range(4))
def test_inputs_that_need_no_gradient(frozen: int) -> None:
    arguments = separable_arguments((3, 5, 6, 4), 3, 1, "affine")
    for i, x in enumerate(tensors(arguments)):
        x.requires_grad_((i + frozen) % 4 == 0)
    check("separable", arguments)
    xs, mixes, *rest = pointwise_arguments((3, 5, 6, 4), 1, "affine")
    for i, x in enumerate([*xs, *mixes]):
        x.requires_grad_((i + frozen) % 3 == 0)
    check("pointwise", [xs, mixes, *rest])


def test_a_gradient_can_be_differentiated_again() -> None:
    size = (2, 3, 4, 5)
    for name, arguments in (
        ("separable", separable_arguments(size, 3, 1, "affine")),
        ("pointwise", pointwise_arguments(size, 2, "affine")),
        ("average_pool", [leaf(*size), 1]),
        ("max_pool", [leaf(*size), 2]),
    ):
        inputs = tensors(arguments)
        second = []
        for function in (operator(name), getattr(by_torch, name)):
            out = function(*arguments).pow(3).sum()
            first = torch.autograd.grad(out, inputs, create_graph=True)
            total = sum(g.square().sum() for g in first)
            second.append(torch.autograd.grad(total, inputs))
        for found, expected in zip(*second, strict=True):
            assert worst(found, expected) < 1e-9


# Compiling asks for the versions of packages in ways that they warn of.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["separable", "pointwise", "average_pool", "max_pool"])
def test_torch_finds_nothing_wrong_with_the_registration(name: str) -> None:
    size = (2, 3, 4, 5)
    arguments = {
        "separable": separable_arguments(size, 3, 2, "affine"),
        "pointwise": pointwise_arguments(size, 1, "affine"),
        "average_pool": [leaf(*size), 2],
        "max_pool": [leaf(*size), 2],
    }[name]
    torch.library.opcheck(getattr(torch.ops.pdas, name).default, tuple(arguments))
    if hasattr(torch.ops.pdas, f"{name}_inference"):
        alone = getattr(torch.ops.pdas, f"{name}_inference").default
        plain = tree_map_only(Tensor, Tensor.detach, tuple(arguments))
        torch.library.opcheck(alone, plain)


def test_the_wrong_shapes_are_errors_and_touch_no_memory() -> None:
    x, f1, *rest = separable_arguments((2, 3, 4, 5), 3, 1, "plain")
    for wrong in (f1[:2], f1[:, :, :2], f1.float()):
        with pytest.raises(RuntimeError, match="pdas: "):
            torch.ops.pdas.separable(x, wrong, *rest)
    with pytest.raises(RuntimeError, match="pdas: "):
        torch.ops.pdas.average_pool(x, 3)
    with pytest.raises(RuntimeError, match="pdas: "):
        torch.ops.pdas.average_pool(x[:0], 1)


@pytest.mark.parametrize("second", [lambda x: x, lambda x: x * x], ids=["the same", "computed"])
def test_a_gradient_with_a_graph_counts_maps_that_depend_on_each_other_once(
    second: Callable[[Tensor], Tensor],
) -> None:
    x, mix = leaf(2, 3, 4, 5), leaf(4, 6, 1, 1)
    found = []
    for function in (operator("pointwise"), by_torch.pointwise):
        out = function([x, second(x)], [mix], None, None, None, None, 1e-5).pow(3).sum()
        first = torch.autograd.grad(out, [x, mix], create_graph=True)
        total = sum(g.square().sum() for g in first)
        found.append([*first, *torch.autograd.grad(total, [x, mix])])
    for ours, theirs in zip(*found, strict=True):
        assert worst(ours, theirs) < 1e-9


@pytest.mark.parametrize("there", [(1, 0, 1, 0), (0, 1, 0, 1), (1, 1, 0, 0), (0, 0, 1, 1)])
def test_norms_with_a_part_of_an_affine(there: tuple[int, ...]) -> None:
    arguments = separable_arguments((3, 5, 6, 4), 3, 1, "affine")
    for place, is_there in zip((3, 4, 8, 9), there, strict=True):
        arguments[place] = arguments[place] if is_there else None
    check("separable", arguments)
    xs, mixes, scale, shift, *rest = pointwise_arguments((3, 5, 6, 4), 2, "affine")
    check("pointwise", [xs, mixes, scale if there[0] else None, shift if there[1] else None, *rest])
