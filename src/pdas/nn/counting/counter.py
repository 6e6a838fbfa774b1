"""Counts the multiply-adds of what runs, as the sum over its kernels."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch._C import DispatchKey
from torch._ops import OpOverload
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from pdas.nn.counting.formulas import Formula, attention, formula_of, name_of
from pdas.nn.counting.uncounted import may_multiply
from pdas.nn.modes import without_fast_path

Run = Callable[[Any, Any], Any]
"""Runs a kernel: from its arguments and its named ones to the output."""


class Execution:
    """How the functions of PyTorch, and the kernels that they come to, are run: as they are.

    Example:
        with counting(Execution()) as counter: ...
    """

    def function(self, function: Any, args: Any, named: Any) -> Any:
        """Call a function of PyTorch.

        Args:
            function, args, named: the function, its arguments and its named ones.
        """
        return function(*args, **named)

    def kernel(self, kernel: Any, args: Any, named: Any) -> Any:
        """Run a kernel.

        Args:
            kernel, args, named: the kernel, its arguments and its named ones.
        """
        return kernel(*args, **named)


class Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts in its `with` block, see `counting`.

    Args:
        execution: runs the kernels.

    Attributes:
        total: the multiply-adds.
        uncounted: the names of kernels that may multiply and have no formula.

    Example:
        with counting() as counter:
            module(x)
        counter.total
    """

    supports_higher_order_operators = True

    def __init__(self, execution: Execution) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.total = 0
        self.uncounted: set[str] = set()
        self._execution = execution
        self._runs: dict[Any, Run] = {}

    def __torch_dispatch__(
        self, kernel: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        if types and formula_of(kernel) is None and _compute_themselves(types):
            return NotImplemented  # they do so by kernels that come here again
        run = self._runs.get(kernel)
        if run is None:
            run = self._runs[kernel] = self._run_of(kernel)
        return run(args, kwargs or {})

    def _run_of(self, kernel: Any) -> Run:
        """How a kernel is run and counted."""
        if kernel is torch.ops.higher_order.cond:
            return self._by_branches
        formula = formula_of(kernel)
        if formula is not None:
            return partial(self._counted, kernel, formula)
        if _is_of_others(kernel):
            return partial(self._by_parts, kernel.decompose)
        return partial(self._not_counted, kernel)

    def _counted(self, kernel: Any, formula: Formula, args: Any, named: Any) -> Any:
        out = self._execution.kernel(kernel, args, named)
        self.total += formula(out, *args, **named)
        return out

    def _by_parts(self, parts: Callable[..., Any], args: Any, named: Any) -> Any:
        with self:
            return parts(*args, **named)

    def _by_branches(self, args: Any, named: Any) -> Any:
        """Both branches of a `torch.cond`, of which values decide; the larger counts."""
        taken, *branches, operands = args
        before = self.total
        outputs, counts = [], []
        for branch in branches:
            with self:
                outputs.append(branch(*operands))
            counts.append(self.total - before)
            self.total = before
        self.total += max(counts)
        return outputs[0 if taken else 1]

    def _not_counted(self, kernel: Any, args: Any, named: Any) -> Any:
        if may_multiply(kernel, (*args, *named.values())):
            self.uncounted.add(name_of(kernel))
        else:
            self._runs[kernel] = partial(self._execution.kernel, kernel)
        return self._execution.kernel(kernel, args, named)


def _is_of_others(kernel: Any) -> bool:
    """Whether a kernel calls others. It comes here whole where a module uses inference mode."""
    if not isinstance(kernel, OpOverload) or kernel.namespace == "prim":
        return False
    name = kernel.name()  # type: ignore[no-untyped-call]
    return torch._C._dispatch_has_kernel_for_dispatch_key(
        name, DispatchKey.CompositeImplicitAutograd
    )


def _compute_themselves(types: Any) -> bool:
    """Whether there are tensors of a kind that has its own way to compute, but shapes alone."""
    return any(
        kind.__torch_dispatch__ is not Tensor.__torch_dispatch__ and kind.__name__ != "FakeTensor"
        for kind in types
    )


class _Calls(TorchFunctionMode):
    """Counts attention where it is called, so that it is the same on every device.

    The kernels differ: some want heads of padded size, some repeat those of keys and values.
    """

    def __init__(self, counter: Counter, execution: Execution) -> None:
        super().__init__()
        self._counter = counter
        self._execution = execution

    def __torch_function__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        named = kwargs or {}
        before = self._counter.total
        out = self._execution.function(function, args, named)
        if function is F.scaled_dot_product_attention and not out.is_nested:
            self._counter.total = before + _of_attention(out, *args, **named)
        return out


def _of_attention(
    out: Tensor, query: Tensor, key: Tensor, value: Tensor, *_: Any, **__: Any
) -> int:
    """Its multiply-adds, from the arguments of a call, which may be named."""
    return attention(out, query, key, value)


@contextmanager
def counting(execution: Execution | None = None) -> Iterator[Counter]:
    """Count within a `with` block.

    Layers of a transformer do not run in one piece there: with a mask of the padding that would
    compute less.

    Args:
        execution: runs the kernels; default as they are.
    """
    execution = execution or Execution()
    with (
        without_fast_path(),
        _uncompiled_attention(),
        Counter(execution) as counter,
        _Calls(counter, execution),
    ):
        yield counter


@contextmanager
def _uncompiled_attention() -> Iterator[None]:
    """Without the compiler in `flex_attention`, if that is imported: it does not go with counters.

    The flag is what PyTorch says to set.
    """
    flex = sys.modules.get("torch.nn.attention.flex_attention")
    flag = "_FLEX_ATTENTION_DISABLE_COMPILE_DEBUG"
    if flex is None or not hasattr(flex, flag):
        yield
        return
    before = getattr(flex, flag)
    setattr(flex, flag, True)
    try:
        yield
    finally:
        setattr(flex, flag, before)
