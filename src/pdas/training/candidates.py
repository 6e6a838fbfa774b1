"""The architectures of a step as models, run together where the supernet can."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import partial
from typing import Any

from torch import nn

from pdas.nn.protocols import ActiveSupernet, SharingSupernet
from pdas.space import Architecture
from pdas.space.architecture import labels_in_line
from pdas.support.arrays import BoolArray
from pdas.support.containers import Versions
from pdas.support.errors import NetworkError
from pdas.support.refusals import refuse

Model = Callable[..., Any]
"""One architecture of a network, called as the network is."""


class Candidates(nn.Module):
    """A supernet in the form that Fabric sets up: a function returns the architectures.

    Args:
        net: the supernet.

    Attributes:
        net: the supernet.
        shares: whether the supernet has `forward_many`.

    Example:
        network = fabric.setup_module(Candidates(net))
        outputs = network(x, architectures=lambda: [first, second])
    """

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net
        self.shares = isinstance(net, SharingSupernet)  # asked once, since it is slow of a protocol

    def forward(
        self, *inputs: Any, architectures: Callable[[], Sequence[Architecture]], **named: Any
    ) -> Sequence[Any]:
        """The output of each architecture.

        Args:
            inputs: of the network, without the architecture.
            architectures: returns what is run.
            named: inputs of the network by name.

        Returns:
            The outputs in the order of the architectures.

        Raises:
            NetworkError: one of several architectures changed an input in place.
        """
        # Fabric rebuilds every argument that is a mapping, as an architecture is. It passes a
        # function on unchanged.
        chosen = architectures()
        versions = Versions.of((inputs, named), "inputs") if len(chosen) > 1 else Versions()
        outputs = self._run(chosen, *inputs, **named)
        if versions.changed():
            refuse(
                NetworkError,
                "net",
                found=f"an input that {type(self.net).__name__} changed in place",
                expected="inputs that stay as they are, since several architectures read them",
                remedy="begin each candidate with no module that works in place, as "
                "ReLU(inplace=True)",
            )
        return outputs

    def _run(
        self, architectures: Sequence[Architecture], *inputs: Any, **named: Any
    ) -> Sequence[Any]:
        if self.shares:
            run_all: Callable[..., Sequence[Any]] = self.net.forward_many  # type: ignore[assignment]
            return run_all(*inputs, architectures, **named)
        return [self.net(*inputs, architecture, **named) for architecture in architectures]


class BoundModel:
    """One architecture of the network. It is called as the network, without the last input.

    Args:
        run: called with these inputs.
        architecture: the one that is run.

    Example:
        model = BoundModel(lambda x: net(x, architecture), architecture)
        model(x)
    """

    def __init__(self, run: Callable[..., Any], architecture: Architecture) -> None:
        self._run = run
        self._architecture = architecture

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        return self._run(*inputs, **named)

    def __str__(self) -> str:
        return f"the architecture {labels_in_line(self._architecture)}"

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"the model that a loss receives runs one architecture and has no {name!r}; call it, "
            "or take that of the network itself"
        )


def bind(net: nn.Module, architectures: Sequence[Architecture]) -> list[Model]:
    """A model for each architecture.

    Args:
        net: a supernet as `Candidates`.
        architectures: what is run. Where the supernet shares work between them, the first call of
            a model runs all of them.
    """
    if net.shares:
        together = _Together(partial(net, architectures=lambda: architectures))
        return [BoundModel(partial(together, i), a) for i, a in enumerate(architectures)]
    if isinstance(net, Candidates):  # which Fabric need not wrap
        return [BoundModel(partial(_directly, net.net, a), a) for a in architectures]
    return [BoundModel(partial(_alone, net, a), a) for a in architectures]


def _directly(net: nn.Module, architecture: Architecture, /, *inputs: Any, **named: Any) -> Any:
    return net(*inputs, architecture, **named)


def _alone(net: nn.Module, architecture: Architecture, /, *inputs: Any, **named: Any) -> Any:
    return net(*inputs, architectures=lambda: [architecture], **named)[0]


class _Together:
    """Runs all architectures on an input when the first of them is asked for."""

    def __init__(self, run_all: Model) -> None:
        self._run_all = run_all
        self._inputs: dict[Any, Any] | None = None
        self._outputs: Sequence[Any] = ()
        self._versions: Sequence[Versions] = ()

    def __call__(self, index: int, /, *inputs: Any, **named: Any) -> Any:
        current = dict[Any, Any](enumerate(inputs)) | named
        known = self._inputs is not None and _identical(current, self._inputs)
        # Equal architectures may have the same output, which the loss of one may have changed.
        if not known or self._versions[index].changed():
            self._inputs, self._outputs = current, self._run_all(*inputs, **named)
            self._versions = [Versions.of(output, "output") for output in self._outputs]
        return self._outputs[index]


def _identical(first: Any, second: Any) -> bool:
    """Whether two values have the same tensors in equal containers."""
    # By identity: to compare the values of large inputs would cost as much as it saves.
    if first is second or type(first) is not type(second):
        return first is second
    if isinstance(first, Mapping):
        return first.keys() == second.keys() and all(
            _identical(x, second[name]) for name, x in first.items()
        )
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(map(_identical, first, second))
    return is_dataclass(first) and all(
        _identical(getattr(first, field.name), getattr(second, field.name))
        for field in fields(first)
    )


def active_of(net: nn.Module) -> Callable[[Architecture], BoolArray] | None:
    """The network's function for the variables that an architecture uses.

    Returns:
        A function to a bool array `(D,)`; None if the network has none.
    """
    return net.active if isinstance(net, ActiveSupernet) else None
