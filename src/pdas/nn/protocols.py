"""What the search asks of a network with choices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from pdas.nn.conditions import Conditions
from pdas.nn.mixing.relaxation import Kind, Relaxation
from pdas.space import Architecture, SearchSpace
from pdas.support.arrays import BoolArray


@runtime_checkable
class SupernetProtocol(Protocol):
    """A `torch.nn.Module` with a search space, which takes an architecture at every call.

    It never samples and knows no optimizer. An architecture of another space is refused with a
    SpaceError. `pdas.testing.SupernetTests` tests that and more.

    Example:
        isinstance(net, SupernetProtocol)
    """

    @property
    def space(self) -> SearchSpace:
        """The choices that the network has."""

    def __call__(self, x: Any, architecture: Architecture) -> Any:
        """The output of one architecture; only what it uses is computed.

        Args:
            x: the input. There may be more inputs, before the architecture or by name.
            architecture: of `space`.

        Raises:
            SpaceError: the architecture is of another space.
        """


@runtime_checkable
class SharingSupernet(SupernetProtocol, Protocol):
    """A supernet that computes what several architectures have in common only once.

    Example:
        y1, y2 = net.forward_many(x, [a1, a2])
    """

    def forward_many(self, x: Any, architectures: Sequence[Architecture]) -> Sequence[Any]:
        """The outputs of several architectures on the same input.

        Args:
            x: the input.
            architectures: each of `space`.

        Returns:
            One output for each architecture, in order.
        """


@runtime_checkable
class MixtureSupernet(SupernetProtocol, Protocol):
    """A supernet that can run a weighted sum of all that it could choose.

    Example:
        relaxation = net.relaxation("variables")
        net.forward_mixed(x, coefficients=relaxation.coefficients(logits))
    """

    def relaxation(self, kind: Kind) -> Relaxation:
        """What has coefficients.

        Args:
            kind: "edges" or "variables"; a supernet that knows no edges has the variables for both.

        Raises:
            NetworkError: a choice cannot be mixed.
        """

    def forward_mixed(self, *inputs: Any, coefficients: Any, **named: Any) -> Any:
        """The output of the mixture.

        Args:
            inputs, named: of the network.
            coefficients: of a relaxation of this supernet.
        """


@runtime_checkable
class ActiveSupernet(SupernetProtocol, Protocol):
    """A supernet that says which variables an architecture uses.

    Example:
        optimizer.tell(architectures, losses, [net.active(a) for a in architectures])
    """

    def active(self, architecture: Architecture) -> BoolArray:
        """Which variables an architecture uses.

        Args:
            architecture: of `space`.

        Returns:
            bool `(D,)`.
        """


@runtime_checkable
class WeighedSupernet(SupernetProtocol, Protocol):
    """A supernet that says which categories bring weights into a network.

    Example:
        net.with_weights()[net.space.position("op")]
    """

    def with_weights(self) -> Sequence[BoolArray]:
        """For each variable whether its categories take modules with weights, bool `(K_i,)`.

        All are equal for a variable that does not decide about such modules.
        """


@runtime_checkable
class ConditionedSupernet(ActiveSupernet, Protocol):
    """A supernet that knows the conditions under which each variable is used.

    Example:
        any(case.hold(architecture) for case in net.use_conditions[0])
    """

    @property
    def use_conditions(self) -> Sequence[Sequence[Conditions]]:
        """For each of the D variables the cases in which it is used; one of them must hold."""


def check_shares_weights(net: Any) -> None:
    """Check that a network has weights that its architectures share.

    Args:
        net: a supernet.

    Raises:
        SettingError: it has none, so that its `forward` refuses, and names the methods that fit.
    """
    if not getattr(net, "shares_weights", True):
        net()
