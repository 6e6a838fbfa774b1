"""A user's module with choices as a supernet: it takes an architecture at every call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import torch
from torch import Tensor, nn

from pdas.cost import Cost, ProductCost
from pdas.cost.base import Quantity
from pdas.cost.table import CostTable
from pdas.nn.conditions import Conditions
from pdas.nn.costs import table_cost
from pdas.nn.counting.counts import multiply_adds, parameters
from pdas.nn.counting.latency import SETTINGS, latency
from pdas.nn.counting.profile import Profile
from pdas.nn.deriving.derive import derive, warn_of_undrawn
from pdas.nn.fast_path import avoid_fast_paths
from pdas.nn.mixing.mixture import check_mixable, mixed
from pdas.nn.mixing.relaxation import Kind, VariableRelaxation
from pdas.nn.module_tree import ModuleTree
from pdas.nn.quantities import check_quantity
from pdas.space import Architecture
from pdas.support.arrays import BoolArray
from pdas.support.display.shown import Shown
from pdas.support.errors import NetworkError
from pdas.support.refusals import refuse


class Supernet(Shown, nn.Module):
    """A module that holds choices. It runs the architecture in its call.

    The module is used as it is, not copied; called by itself, its choices have no architecture.

    Args:
        module: of the user.

    Attributes:
        module: the same.
        space: a variable for each name of a choice, in the order in which they stand in the module.

    Raises:
        NetworkError: `module` is no module or has no choice, or a choice is in a wrapper where it
            cannot be, as `nn.DataParallel`.
        SpaceError: two choices of one name have different categories.

    Example:
        acts = pdas.nn.Choice("act", {"relu": nn.ReLU(), "tanh": nn.Tanh()})
        net = pdas.nn.Supernet(nn.Sequential(nn.Linear(8, 8), acts))
        y = net(x, net.space.architecture({"act": "tanh"}))
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        if not isinstance(module, nn.Module):
            found, expected = type(module).__name__, "a torch.nn.Module with choices"
            refuse(NetworkError, "Supernet", found=found, expected=expected)
        avoid_fast_paths(module)
        self.module = module
        self._tree = ModuleTree(module)
        self.space = self._tree.space

    def forward(self, *inputs: Any, architecture: Architecture | None = None, **named: Any) -> Any:
        """The module's output for one architecture.

        Args:
            inputs: of the module, by position. The last of them is the architecture, unless that is
                passed by its name.
            architecture: of `space`.
            named: inputs of the module by name.

        Raises:
            NetworkError: there is no architecture, or it runs under `torch.compile` or in an
                `nn.DataParallel`.
            SpaceError: the architecture is of another space.
        """
        if torch.compiler.is_compiling():
            from pdas.nn.compilation import refuse_compilation  # imports the compiler

            refuse_compilation("Supernet")
        if "_is_replica" in self.__dict__:
            _refuse_data_parallel()
        if architecture is None:
            *inputs, architecture = inputs or (None,)  # type: ignore[assignment]
        if not isinstance(architecture, Architecture):
            _refuse_no_architecture(architecture)
        with self._tree.selected(architecture):
            return self.module(*inputs, **named)

    def relaxation(self, kind: Kind = "variables") -> VariableRelaxation:
        """The relaxation of the choices, for a search by gradients on a mixture of all of them.

        Args:
            kind: of no meaning here, since a module of the user has variables only.

        Raises:
            NetworkError: a choice cannot be mixed, as one of numbers.
        """
        check_mixable(self._tree)
        return VariableRelaxation(self.space)

    def forward_mixed(self, *inputs: Any, coefficients: Sequence[Tensor], **named: Any) -> Any:
        """The module's output with every choice as a weighted sum of all its candidates.

        Args:
            inputs, named: of the module.
            coefficients: of the categories of each variable, `(K_i,)`; see `relaxation`.

        Raises:
            NetworkError: a choice cannot be mixed, or its candidates give other shapes.
        """
        with mixed(self._tree, coefficients):
            return self.module(*inputs, **named)

    def active(self, architecture: Architecture) -> BoolArray:
        """Which variables an architecture uses.

        The others are those of choices inside candidates that are not taken.

        Args:
            architecture: of `space`.

        Returns:
            bool `(D,)`.

        Raises:
            SpaceError: the architecture is of another space.
        """
        return self._tree.active(architecture)

    def with_weights(self) -> list[BoolArray]:
        """For each variable whether its categories take modules with weights, bool `(K_i,)`."""
        return self._tree.with_weights()

    @property
    def largest(self) -> Architecture:
        """The architecture of the largest whole numbers and the most modules.

        Of choices that have no largest category, the first one: so it is the whole model, where the
        choices were put into one.
        """
        return self._tree.largest()

    @property
    def use_conditions(self) -> Sequence[Sequence[Conditions]]:
        """For each of the D variables the cases in which it is used; one of them must hold."""
        return self._tree.conditions

    def derive(
        self,
        architecture: Architecture,
        *,
        keep_weights: bool = False,
        init: Callable[[nn.Module], object] | None = None,
        like: Callable[[], nn.Module] | None = None,
    ) -> nn.Module:
        """The plain module of one architecture: each choice is replaced by what was chosen.

        It shares nothing with this one. Its weights are drawn afresh by `reset_parameters()` of its
        modules, the innermost first. So a module of your own with a method of that name has the
        last word. Modules whose weights are all frozen keep them. Batch norms start their running
        statistics anew. Weights that are one stay one.

        Args:
            architecture: of `space`.
            keep_weights: copy the weights and the running statistics instead. Where the statistics
                are not of this network, a line in the log says so; see `pdas.nn.recalibrate`.
            init: called with the network after that, for a model that starts its weights in its own
                way: `lambda net: net.init_weights()`, or
                `lambda net: net.apply(net._init_weights)`.
            like: makes a fresh plain model, as `lambda: torchvision.models.vit_b_16()`, whose
                weights are taken by their names: all of those of the same shape, and the first rows
                and columns of wider ones.

        Returns:
            A module with no choice in it, in the same mode (training or evaluation).

        Raises:
            SpaceError: the architecture is of another space.
            NetworkError: nothing draws a weight, a module cannot be copied, or a lazy one has not
                run yet.
            SettingError: `keep_weights` together with `init` or `like`.
        """
        return derive(self._tree, architecture, keep_weights=keep_weights, init=init, like=like)

    def check(self, *inputs: Any, keep_weights: bool = False, **named: Any) -> None:
        """Run every candidate once on a sample input, and see that a network can be derived.

        It runs in evaluation mode and without gradients. A `PdasWarning` names a candidate with
        which the output of the whole has another shape, and weights that nothing draws afresh.

        Args:
            inputs, named: as the module is called with.
            keep_weights: whether networks will be derived with the weights of the supernet, so that
                nothing need draw them.

        Raises:
            NetworkError: a candidate does not fit the others, and the message names it and its
                choice; or no network can be derived.
        """
        profile = Profile(self._tree, inputs, named)
        profile.warn_of_other_outputs()
        devices = {weight.device for weight in self.parameters() if weight.is_cuda}
        with torch.random.fork_rng(devices):
            warn_of_undrawn(self._tree, profile.first.architecture, keep_weights=keep_weights)

    def cost(self, quantity: Quantity | CostTable, *inputs: Any, **named: Any) -> ProductCost:
        """What the derived networks have or do, for any architecture.

        Multiply-adds are exact where every choice changes the size of what follows by a factor of
        its own; else a `PdasWarning` says so.

        Args:
            quantity: one of

                - "parameters": the numbers in the weights;
                - "multiply_adds" of products of matrices and vectors, convolutions, recurrent
                  layers and attention, in one call on the inputs;
                - "latency": milliseconds of one call on the inputs, measured on this machine, as
                  `pdas.nn.counting.latency` says. Its attribute `error` says how far it is off;
                - a table of what was measured, `{"op": {"conv3": 1.2, "conv5": 2.1}, ...}`: a
                  number for every category of some variables, which counts where the variable is
                  in use.
            inputs, named: a sample, for multiply-adds as a batch of one, for a latency as the
                network will be called with. For multiply-adds the network runs on it at most once
                for each category, but where it decides by itself, by an `if` on a `Value`, what is
                called: there once for each two. For a latency `device`, `runs`, `minutes` and
                `file` are no inputs but settings: those of `pdas.nn.counting.latency.latency`.

        Raises:
            NetworkError: as `check` does.
            SettingError, SpaceError: the quantity is none, or the table does not fit the space.

        Example:
            limit = pdas.Limit(net.cost("latency", x, device="cuda", file="latency.json"), 2.5)
        """
        if isinstance(quantity, Mapping):
            return _of_products(table_cost(self, quantity))
        check_quantity(quantity)
        if quantity == "parameters":
            return parameters(self._tree)
        if quantity == "latency":
            settings = {name: named.pop(name) for name in SETTINGS if name in named}
            return _of_products(latency(self, *inputs, named=named, **settings))
        return multiply_adds(Profile(self._tree, inputs, named))


def _of_products(cost: Cost) -> ProductCost:
    """A cost that adds up over what is in use: a supernet with `use_conditions` has no other."""
    assert isinstance(cost, ProductCost)
    return cost


def _refuse_data_parallel() -> NoReturn:
    """Raise `NetworkError` in a replica, which has the same choice points as the others."""
    refuse(
        NetworkError,
        "Supernet",
        found="it in nn.DataParallel, whose replicas share their choices",
        expected="one device",
        remedy="use it without",
    )


def _refuse_no_architecture(found: object) -> NoReturn:
    """Raise `NetworkError` where something else stands for the architecture."""
    raise NetworkError(
        f"Supernet: found {type(found).__name__} where the architecture is expected; call "
        "net(x, architecture), with net.space.architecture(...)"
    )
