"""The architectures of a step as models, run together where the supernet can."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from torch import nn

from pdas.nn.protocols import ActiveSupernet, SharingSupernet
from pdas.space import Architecture
from pdas.support.arrays import BoolArray

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
        """
        # Fabric rebuilds every argument that is a mapping, as an architecture is. It passes a
        # function on unchanged.
        if self.shares:
            run_all: Callable[..., Sequence[Any]] = self.net.forward_many  # type: ignore[assignment]
            return run_all(*inputs, architectures(), **named)
        return [self.net(*inputs, architecture, **named) for architecture in architectures()]


class BoundModel:
    """One architecture of the network. It is called as the network, without the last input.

    Args:
        run: called with these inputs.

    Example:
        model = BoundModel(lambda x: net(x, architecture))
        model(x)
    """

    def __init__(self, run: Callable[..., Any]) -> None:
        self._run = run

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        return self._run(*inputs, **named)

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
        return [BoundModel(partial(together, i)) for i in range(len(architectures))]
    return [BoundModel(partial(_alone, net, a)) for a in architectures]


def _alone(net: nn.Module, architecture: Architecture, /, *inputs: Any, **named: Any) -> Any:
    return net(*inputs, architectures=lambda: [architecture], **named)[0]


class _Together:
    """Runs all architectures on an input when the first of them is asked for."""

    def __init__(self, run_all: Model) -> None:
        self._run_all = run_all
        self._inputs: dict[Any, Any] | None = None
        self._outputs: Sequence[Any] = ()

    def __call__(self, index: int, /, *inputs: Any, **named: Any) -> Any:
        current = dict[Any, Any](enumerate(inputs)) | named
        if self._inputs is None or not _identical(current, self._inputs):
            self._inputs, self._outputs = current, self._run_all(*inputs, **named)
        return self._outputs[index]


def _identical(first: Mapping[Any, Any], second: Mapping[Any, Any]) -> bool:
    # By identity: to compare the values of large inputs would cost as much as it saves.
    return first.keys() == second.keys() and all(x is second[name] for name, x in first.items())


def active_of(net: nn.Module) -> Callable[[Architecture], BoolArray] | None:
    """The network's function for the variables that an architecture uses.

    Returns:
        A function to a bool array `(D,)`; None if the network has none.
    """
    return net.active if isinstance(net, ActiveSupernet) else None
