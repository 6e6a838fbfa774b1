"""A device beside the CPU for machines without a GPU, and a watch over what is asked of it.

The device is torch's "meta": tensors there have a shape and a type and no values. The code of the
project runs on it as on a GPU, forward and backward, and `Watch` sees every operation below
autograd. Where a value is read, it gives 1. So a whole training runs, learns nothing, and shows
with file and line what a GPU would refuse or wait for.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple
from unittest.mock import patch

import torch
from lightning_fabric.accelerators import CPUAccelerator
from torch import Tensor
from torch.optim import optimizer
from torch.overrides import TorchFunctionMode
from torch.utils import _foreach_utils
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.data.dataloader import _BaseDataLoaderIter
from torch.utils.weak import WeakTensorKeyDictionary

from pdas.distributed import transfer
from pdas.distributed.fabric import Fabric, SingleDeviceStrategy
from pdas.methods.trials import trial

DEVICE = torch.device("meta")

READ = "value read"  # the host waits for the device
COPIED = "blocking copy"  # from pageable memory; the host waits
SENT = "copy"  # from pinned memory; the host goes on
MIXED = "two devices"
DRAWN = "generator of another device"
DOUBLE = "float64"
WAITS = (READ, COPIED)
MISTAKES = (MIXED, DRAWN, DOUBLE)

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = (
    str(Path(sys.prefix)),
    str(Path(sys.base_prefix)),
    str(Path(torch.__file__).parents[1]),
)
PASSED = (str(Path(__file__).resolve()), str(Path(transfer.__file__).resolve()))

aten = torch.ops.aten
COPIES = (aten._to_copy.default, aten.copy_.default)
# Their results have as many rows as the values say.
BY_VALUE = (aten.nonzero.default, aten.masked_select.default, aten.equal.default)
_FOREACH = "_get_foreach_kernels_supported_devices"
MADE = (torch.tensor, torch.as_tensor, torch.asarray)


class Found(NamedTuple):
    """Something that the watch saw, and the line of the project or of a test that asked."""

    kind: str
    operation: str
    file: str
    line: int
    function: str

    @property
    def place(self) -> str:
        """The file and the function, which stay when lines move."""
        return f"{self.file}: {self.function}"

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.kind} ({self.operation} in {self.function})"


class Watch(TorchDispatchMode):
    """Within it, all that is asked of the device is watched, in forward and backward passes.

    Attributes:
        found: in order.
        operations: how often each was run on the device, without views and allocations.
        on_host: those that computed with tensors of the CPU alone.

    Example:
        with Watch() as watch:
            network(x).sum().backward()
        assert not watch.found
    """

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Found] = []
        self.operations: Counter[str] = Counter()
        self.on_host: Counter[str] = Counter()
        self._pinned = WeakTensorKeyDictionary()
        self._functions = _Functions(self)

    def __enter__(self) -> Watch:
        self._functions.__enter__()
        super().__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        self._functions.__exit__(*error)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        given = list(_tensors((*args, *kwargs.values())))
        on_device = any(tensor.device == DEVICE for tensor in given)
        if func is aten._local_scalar_dense.default and on_device:
            self.note(READ, func)
            return torch.ones((), dtype=given[0].dtype).item()
        if func is aten._pin_memory.default:
            self._pinned[pinned := given[0].clone()] = True
            return pinned
        if func in COPIES:
            return self._copy(func, given, args, kwargs)
        if on_device:
            self._check(func, given, args)
        out = func(*args, **kwargs)
        made = list(_tensors((out,)))
        if on_device or any(tensor.device == DEVICE for tensor in made):
            self._check_made(func, made, kwargs)
        elif made and computes(func):
            self.on_host[str(func)] += 1
        return out

    def note(self, kind: str, operation: object) -> None:
        """Add what was found to `found`, with the place of the call."""
        frame = _asking(sys._getframe(1))
        code = frame.f_code
        path = Path(code.co_filename).resolve()
        file = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
        name = str(file).removeprefix("src/pdas/")
        self.found.append(Found(kind, str(operation), name, frame.f_lineno, code.co_name))

    def of(self, *kinds: str) -> list[Found]:
        """What was found of some kinds."""
        return [found for found in self.found if found.kind in kinds]

    def _copy(self, func: Any, given: list[Tensor], args: Any, kwargs: Any) -> Any:
        """A copy within a device, from one to the other, or to another type."""
        source = given[-1]
        if func is aten.copy_.default:
            target = given[0].device
        else:
            target = kwargs.get("device") or source.device
        if source.device == target:
            if target == DEVICE:
                out = func(*args, **kwargs)
                self._check_made(func, [out], {})
                return out
            return func(*args, **kwargs)
        if target == DEVICE:
            waits = source not in self._pinned or not _non_blocking(func, args, kwargs)
            self.note(COPIED if waits else SENT, func)
            return func(*args, **kwargs)
        self.note(READ, func)
        if func is aten.copy_.default:
            return given[0].fill_(1)
        kept = {name: value for name, value in kwargs.items() if name in ("dtype", "device")}
        return torch.ones(source.shape, **({"dtype": source.dtype} | kept))

    def _check(self, func: Any, given: list[Tensor], args: Any) -> None:
        """Look at what an operation on the device gets."""
        # A GPU takes a single number from the CPU.
        if any(tensor.device != DEVICE and tensor.ndim for tensor in given):
            self.note(MIXED, func)
        indexed = func in (aten.index.Tensor, aten.index_put.default, aten.index_put_.default)
        if func in BY_VALUE or (indexed and any(map(_is_bool, _tensors(args[1])))):
            self.note(READ, func)

    def _check_made(self, func: Any, made: list[Tensor], kwargs: Any) -> None:
        """Look at what an operation on the device gives."""
        if computes(func):
            self.operations[str(func)] += 1
        if any(tensor.dtype == torch.float64 for tensor in made):
            self.note(DOUBLE, func)
        generator = kwargs.get("generator")
        if generator is not None and generator.device != DEVICE:
            self.note(DRAWN, func)


class _Functions(TorchFunctionMode):
    """Sees `torch.tensor(..., device=)`, a copy that no dispatch mode sees."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        device = kwargs.get("device")
        made = func in MADE and device is not None and torch.device(device) == DEVICE
        if made and not (isinstance(args[0], Tensor) and args[0].device == DEVICE):
            self._watch.note(COPIED, f"torch.{func.__name__}")
        return func(*args, **kwargs)


def computes(func: Any) -> bool:
    """Whether an operation launches work: it is no view and no allocation."""
    name = func.overloadpacket.__name__
    if name in ("_unsafe_view", "detach", "lift_fresh", "_reshape_alias") or "empty" in name:
        return False
    returned = [value.alias_info for value in func._schema.returns]
    return not any(alias is not None and not alias.is_write for alias in returned)


def stand_in_fabric(precision: Any = "32-true") -> Fabric:
    """A `Fabric` whose device is the stand-in."""
    strategy = SingleDeviceStrategy(device=DEVICE)
    return Fabric(accelerator=_Accelerator(), strategy=strategy, devices=1, precision=precision)


class _Accelerator(CPUAccelerator):
    def setup_device(self, device: torch.device) -> None:
        assert device == DEVICE


@contextmanager
def stand_in() -> Iterator[None]:
    """Within it, torch treats the stand-in as it treats a GPU where it would not.

    `module.to` keeps each parameter and gives it new data, so that an optimizer has it still;
    optimizers and norms work on many tensors at once; it reads pinned memory; and finalists are
    trained there, too.
    """
    before = torch.__future__.get_swap_module_params_on_conversion()
    torch.__future__.set_swap_module_params_on_conversion(True)
    grouped = ["cuda", DEVICE.type]
    try:
        with (
            patch.object(optimizer, _FOREACH, lambda: grouped),
            patch.object(_foreach_utils, _FOREACH, lambda: grouped),
            patch.object(transfer, "PINNING", frozenset(grouped)),
            patch.object(_BaseDataLoaderIter, "__init__", _pinning),
            patch.object(
                trial, "_one_fabric", lambda device, precision: stand_in_fabric(precision)
            ),
        ):
            yield
    finally:
        torch.__future__.set_swap_module_params_on_conversion(before)


_begin_pass = _BaseDataLoaderIter.__init__


def _pinning(self: Any, loader: Any) -> None:
    """Begin a pass over a loader that pins if it is told to, as where there is a GPU."""
    with patch.object(torch.accelerator, "is_available", lambda: True):
        _begin_pass(self, loader)


def _tensors(values: Any) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)


def _is_bool(tensor: Tensor) -> bool:
    return tensor.dtype == torch.bool


def _non_blocking(func: Any, args: Any, kwargs: Any) -> bool:
    if func is aten.copy_.default and len(args) > 2:
        return bool(args[2])
    return bool(kwargs.get("non_blocking"))


def _asking(frame: FrameType) -> FrameType:
    """The innermost frame that is of no library and not in a file that moves for all others."""
    asking: FrameType | None = frame
    while asking is not None:
        file = asking.f_code.co_filename
        is_function = not asking.f_code.co_name.startswith("<")  # and no comprehension
        if is_function and not file.startswith((*LIBRARIES, *PASSED, "<")):
            return asking
        asking = asking.f_back
    return frame


def by_place(found: Iterable[Found]) -> dict[str, int]:
    """How many were found in each place."""
    return dict(sorted(Counter(each.place for each in found).items()))
