"""What torch offers for modules works on blocks with compiled operators, to the same values."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.autograd import forward_ad
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils.checkpoint import checkpoint

from pdas.kernels import choose_kernels
from pdas.spaces.cells.operations import OPERATIONS, ReLUConvNorm, affine_batch_norm
from tests.kernels.compiled import is_compiled, need_library, worst

Use = Callable[[nn.Module, Tensor], list[Tensor]]
X = torch.randn(3, 4, 6, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
BLOCKS = {
    "separable": lambda: OPERATIONS["sep_conv_5x5"](4, 1, affine_batch_norm),
    "1x1": lambda: ReLUConvNorm(4, 3, affine_batch_norm),
    "reduction": lambda: OPERATIONS["identity"](4, 2, affine_batch_norm),
    "average pool": lambda: OPERATIONS["avg_pool_3x3"](4, 1, affine_batch_norm),
    "max pool": lambda: OPERATIONS["max_pool_3x3"](4, 1, affine_batch_norm),
}


@pytest.fixture(autouse=True)
def _library() -> Iterator[None]:
    need_library()
    torch.manual_seed(0)
    yield
    torch._dynamo.reset()


def gradients(block: nn.Module, out: Tensor, *inputs: Tensor, **how: Any) -> list[Tensor]:
    return list(torch.autograd.grad(out, [*inputs, *block.parameters()], **how))


def several_gradients_at_once(block: nn.Module, x: Tensor) -> list[Tensor]:
    out = block(x.requires_grad_())
    many = torch.stack([out.detach(), torch.ones_like(out)])
    return gradients(block, out, x, grad_outputs=many, is_grads_batched=True)


def several_with_a_graph(block: nn.Module, x: Tensor) -> list[Tensor]:
    out = block(x.requires_grad_())
    many = torch.stack([out.detach(), torch.ones_like(out)])
    how = {"grad_outputs": many, "is_grads_batched": True, "create_graph": True}
    return [each.detach() for each in gradients(block, out, x, **how)]


def jacobian_at_once(block: nn.Module, x: Tensor) -> list[Tensor]:
    of = torch.autograd.functional.jacobian
    return [of(lambda x: block(x).sum((0, 1)), x, vectorize=True)]


def gradient_of_a_gradient(block: nn.Module, x: Tensor) -> list[Tensor]:
    out = block(x.requires_grad_()).pow(3).sum()
    (first,) = torch.autograd.grad(out, [x], create_graph=True)
    return gradients(block, first.pow(3).sum(), x, allow_unused=True)[:1]


def gradient_of_a_function(block: nn.Module, x: Tensor) -> list[Tensor]:
    return [torch.func.grad(lambda x: block.eval()(x).pow(3).sum())(x)]


def gradient_by_weights(block: nn.Module, x: Tensor) -> list[Tensor]:
    weights = dict(block.named_parameters())
    state = {name: each.clone() for name, each in block.named_buffers()}

    def loss(weights: dict[str, Tensor]) -> Tensor:
        return torch.func.functional_call(block.eval(), {**weights, **state}, (x,)).pow(3).sum()

    return list(torch.func.grad(loss)(weights).values())


def function_of_a_batch(block: nn.Module, x: Tensor) -> list[Tensor]:
    return [torch.func.vmap(block.eval())(torch.stack([x, 2 * x]))]


def forward_mode_of_a_function(block: nn.Module, x: Tensor) -> list[Tensor]:
    return list(torch.func.jvp(block.eval(), (x,), (torch.ones_like(x),)))


def forward_mode(block: nn.Module, x: Tensor) -> list[Tensor]:
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(x, torch.ones_like(x))
        return list(forward_ad.unpack_dual(block.eval()(dual)))


def symbolic_trace(block: nn.Module, x: Tensor) -> list[Tensor]:
    return [torch.fx.symbolic_trace(block)(x)]


def trace_of_operations(block: nn.Module, x: Tensor) -> list[Tensor]:
    return [make_fx(block.eval())(x)(x)]


def jit_trace(block: nn.Module, x: Tensor) -> list[Tensor]:
    return [torch.jit.trace(block.eval(), x)(x)]


def export(block: nn.Module, x: Tensor) -> list[Tensor]:
    return [torch.export.export(block.eval(), (x,)).module()(x)]


def compiled_by_torch(block: nn.Module, x: Tensor) -> list[Tensor]:
    out = torch.compile(block, backend="eager", fullgraph=True)(x.requires_grad_())
    return [out, *gradients(block, out.pow(3).sum(), x)]


def computed_again(block: nn.Module, x: Tensor) -> list[Tensor]:
    out = checkpoint(block, x.requires_grad_(), use_reentrant=False)
    return gradients(block, out.pow(3).sum(), x)


def kept_elsewhere(block: nn.Module, x: Tensor) -> list[Tensor]:
    with torch.autograd.graph.save_on_cpu():
        out = block(x.requires_grad_())
    return gradients(block, out.pow(3).sum(), x)


def twice(block: nn.Module, x: Tensor) -> list[Tensor]:
    out = block(x.requires_grad_()).pow(3).sum()
    return gradients(block, out, x, retain_graph=True) + gradients(block, out, x)


def without_gradients(block: nn.Module, x: Tensor) -> list[Tensor]:
    with torch.inference_mode():
        return [block(x).clone()]


def deep_copy(block: nn.Module, x: Tensor) -> list[Tensor]:
    return [copy.deepcopy(block)(x)]


def pickled(block: nn.Module, x: Tensor) -> list[Tensor]:
    return [pickle.loads(pickle.dumps(block))(x)]


def saved(block: nn.Module, x: Tensor) -> list[Tensor]:
    file = io.BytesIO()
    torch.save(block, file)
    file.seek(0)
    return [torch.load(file, weights_only=False)(x)]


def shape_on_meta(block: nn.Module, x: Tensor) -> list[Tensor]:
    return [torch.zeros(block.to("meta")(x.to("meta")).shape)]


def shape_of_a_fake(block: nn.Module, x: Tensor) -> list[Tensor]:
    mode = FakeTensorMode(allow_non_fake_inputs=True)
    return [torch.zeros(block(mode.from_tensor(x)).shape)]


USES: list[Use] = [
    several_gradients_at_once,
    several_with_a_graph,
    jacobian_at_once,
    gradient_of_a_gradient,
    gradient_of_a_function,
    gradient_by_weights,
    function_of_a_batch,
    forward_mode_of_a_function,
    forward_mode,
    symbolic_trace,
    trace_of_operations,
    jit_trace,
    export,
    compiled_by_torch,
    computed_again,
    kept_elsewhere,
    twice,
    without_gradients,
    deep_copy,
    pickled,
    saved,
    shape_on_meta,
    shape_of_a_fake,
]


@pytest.mark.filterwarnings("ignore:.torch.jit:FutureWarning")
@pytest.mark.parametrize("use", USES, ids=lambda use: use.__name__)
@pytest.mark.parametrize("name", BLOCKS)
def test_a_use_gives_the_same(name: str, use: Use) -> None:
    if use is gradient_by_weights and "pool" in name:
        pytest.skip("there are no weights")
    plain = BLOCKS[name]().double()
    compiled = copy.deepcopy(plain)
    choose_kernels(compiled, "auto", torch.device("cpu"))
    assert is_compiled(compiled(X.clone().requires_grad_()))
    plain(X)
    expected = use(plain, X.clone())
    found = use(compiled, X.clone())
    for ours, theirs in zip(found, expected, strict=True):
        assert worst(ours, theirs) < 1e-10
