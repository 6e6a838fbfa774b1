"""A public model in which something may vary: a row of the table in `docs/public-models.md`."""

from __future__ import annotations

import ast
import inspect
import textwrap
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pdas.nn import Supernet
from pdas.space import Architecture, Label, SearchSpace


@dataclass(frozen=True)
class Inputs:
    """What a model is called with, by position and by name."""

    args: tuple[Any, ...] = ()
    named: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, model: Callable[..., Any], *more: Any) -> list[Tensor]:
        """The tensors that a model gives for them."""
        return tensors(model(*self.args, *more, **self.named))


@dataclass(frozen=True)
class Row:
    """A model and the lines that say what may vary in it.

    Attributes:
        vary: the lines; changes the model in place, or returns the supernet, of the model and a
            sample.
        make: the plain model, with weights drawn at random.
        inputs: a small sample.
        package: that has the model.
        model, varies: in words.
        full: labels of the architecture that is the plain model, where they are not the largest.
        quick: whether it is among those that run by default.
        without: names of checks that do not apply, with the reason.
    """

    vary: Callable[..., Supernet | None]
    make: Callable[[], nn.Module]
    inputs: Callable[[], Inputs]
    package: str
    model: str
    varies: str
    full: Mapping[str, Label]
    quick: bool
    without: Mapping[str, str]

    @property
    def name(self) -> str:
        return self.vary.__name__

    def plain(self) -> nn.Module:
        """The plain model in evaluation mode, the same at every call."""
        pytest.importorskip(self.package)
        with quiet():
            torch.manual_seed(0)
            return used(self.make()).eval()

    def supernet(self) -> Supernet:
        """The same, with what may vary."""
        model, sample = self.plain(), self.inputs()
        if len(inspect.signature(self.vary).parameters) == 1:
            self.vary(model)
            return Supernet(model)
        net = self.vary(model, *sample.args, **sample.named)
        assert net is not None
        return net

    def plain_architecture(self, space: SearchSpace) -> Architecture:
        """The one whose network is the plain model."""
        labels = {variable.name: max(variable.categories) for variable in space.variables}
        return space.architecture({**labels, **self.full})

    def source(self) -> str:
        """The lines."""
        text = textwrap.dedent(inspect.getsource(self.vary))
        (function,) = ast.parse(text).body
        assert isinstance(function, ast.FunctionDef)
        body = function.body
        first, last = body[0], body[-2] if isinstance(body[-1], ast.Return) else body[-1]
        return textwrap.dedent("\n".join(text.splitlines()[first.lineno - 1 : last.end_lineno]))


def row(
    model: str,
    varies: str,
    *,
    package: str,
    make: Callable[[], nn.Module],
    inputs: Callable[[], Inputs],
    full: Mapping[str, Label] | None = None,
    quick: bool = False,
    without: Mapping[str, str] | None = None,
) -> Callable[[Callable[..., Supernet | None]], Row]:
    """Make a row of a function that changes a model; see `Row`."""

    def decorate(vary: Callable[..., Supernet | None]) -> Row:
        return Row(vary, make, inputs, package, model, varies, full or {}, quick, without or {})

    return decorate


@contextmanager
def quiet() -> Iterator[None]:
    """Without the warnings of packages about themselves."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def images(size: int = 32, channels: int = 3) -> Callable[[], Inputs]:
    """Two images."""
    return lambda: Inputs((torch.randn(2, channels, size, size),))


def tokens(length: int = 6, vocabulary: int = 50, **named: Any) -> Callable[[], Inputs]:
    """Two sequences of tokens."""
    return lambda: Inputs(
        named={"input_ids": torch.randint(vocabulary, (2, length)), "use_cache": False, **named}
    )


def tensors(value: Any) -> list[Tensor]:
    """Those in nested containers."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, Mapping):
        value = value.values()
    return [t for each in value for t in tensors(each)] if not isinstance(value, str) else []


@torch.no_grad()
def used(model: nn.Module) -> nn.Module:
    """A model as after some training: no weight is 0 or 1, and norms have seen something."""
    for weight in model.parameters():
        if weight.requires_grad and weight.is_floating_point():
            weight.add_(0.05 * torch.randn_like(weight))
    for name, buffer in model.named_buffers():
        if name.endswith("running_mean"):
            buffer.normal_(0, 0.1)
        elif name.endswith("running_var"):
            buffer.uniform_(0.5, 1.5)
    return model
