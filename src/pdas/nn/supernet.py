"""A user's module with choices as a supernet: it is handed an architecture at every call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from pdas.cost import ProductCost
from pdas.nn.counting.costs import multiply_adds, of_table, parameters
from pdas.nn.counting.profile import Survey
from pdas.nn.derive import derive
from pdas.nn.module_tree import FoundChoices
from pdas.nn.quantities import QUANTITIES, Quantity
from pdas.space import Architecture, Label
from pdas.support.arrays import BoolArray
from pdas.support.errors import NetworkError, SettingError


class Supernet(nn.Module):
    """A module that holds choices: `net = pdas.nn.Supernet(module)`, `net(x, architecture)`.

    The module is used as it is, not copied; called by itself, its choices have no architecture.

    Attributes:
        module: the user's module.
        space: a variable for each name of a choice, in the order in which they stand in the module.

    Raises:
        NetworkError: `module` is no module or has no choice, or a choice is in a wrapper where it
            cannot be, as `nn.DataParallel`.
        SpaceError: two choices of one name have different categories.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        if not isinstance(module, nn.Module):
            raise NetworkError(
                f"Supernet: found {type(module).__name__}, expected a torch.nn.Module with choices"
            )
        self.module = module
        self._choices = FoundChoices(module)
        self.space = self._choices.space

    def forward(self, *inputs: Any, architecture: Architecture | None = None, **named: Any) -> Any:
        """The module's output for one architecture, which is given last or by its name.

        Raises `NetworkError` without an architecture, under `torch.compile` and in an
        `nn.DataParallel`; `SpaceError` for an architecture of another space.
        """
        if torch.compiler.is_compiling():
            from pdas.nn.compilation import refuse  # imports the compiler

            refuse("Supernet")
        if "_is_replica" in self.__dict__:
            raise NetworkError(
                "Supernet: found it in nn.DataParallel, whose replicas share their choices, "
                "expected one device; use it without"
            )
        if architecture is None:
            *inputs, architecture = inputs or (None,)  # type: ignore[assignment]
        if not isinstance(architecture, Architecture):
            raise NetworkError(
                f"Supernet: found {type(architecture).__name__} where the architecture is "
                "expected; call net(x, architecture), with net.space.architecture(...)"
            )
        with self._choices.selected(architecture):
            return self.module(*inputs, **named)

    def active(self, architecture: Architecture) -> BoolArray:
        """Which variables an architecture uses, bool `(D,)`.

        The others are those of choices inside candidates that are not taken. Raises `SpaceError`
        for an architecture of another space.
        """
        return self._choices.active(architecture)

    def derive(self, architecture: Architecture, *, keep_weights: bool = False) -> nn.Module:
        """The plain module of one architecture: each choice is replaced by what was chosen.

        It shares nothing with this one. Its weights are drawn afresh by `reset_parameters()` of its
        modules, the innermost first, so that a module of one's own has the last word with a method
        of that name; modules whose weights are all frozen keep them. Batch norms start
        their running statistics anew.

        Args:
            keep_weights: copy the weights instead, and running statistics.

        Raises:
            SpaceError: the architecture is of another space.
            NetworkError: a module has weights and no `reset_parameters`, or cannot be copied.
        """
        return derive(self._choices, architecture, keep_weights=keep_weights)

    def check(self, *inputs: Any, **named: Any) -> None:
        """Run every candidate once on a sample input, and see that a network can be derived.

        It runs in evaluation mode and without gradients. Raises `NetworkError`, which names the
        choice and the candidate, for one that does not fit the others, and what `derive` does. A
        `PdasWarning` names a candidate with which the output of the whole has another shape.
        """
        survey = Survey(self._choices, inputs, named)
        survey.warn_of_other_outputs()
        devices = {weight.device for weight in self.parameters() if weight.is_cuda}
        with torch.random.fork_rng(devices):
            self.derive(survey.view.architecture)

    def cost(
        self, quantity: Quantity | Mapping[str, Mapping[Label, float]], *inputs: Any, **named: Any
    ) -> ProductCost:
        """What the derived networks have or do, for any architecture.

        Args:
            quantity: "parameters"; "multiply_adds" of matrix products, convolutions and attention,
                as PyTorch's `FlopCounterMode` sees them, in one call on the inputs; or a table of
                what was measured, as latencies, `{"op": {"conv3": 1.2, "conv5": 2.1}, ...}`: a
                number for every category of some variables, which counts where the variable is in
                use.
            inputs, named: a sample for multiply-adds, as a batch of one. The network runs on it at
                most once for each category, but where it decides by itself, by an `if` on a
                `Value`, what is called: there once for each two.

        Multiply-adds are exact where every choice changes the size of what follows by a factor of
        its own; else a `PdasWarning` says so. Raises what `check` does, and `SettingError` or
        `SpaceError` for a quantity that is none.
        """
        if isinstance(quantity, Mapping):
            return of_table(self._choices, quantity)
        if quantity == "parameters":
            return parameters(self._choices)
        if quantity == "multiply_adds":
            return multiply_adds(Survey(self._choices, inputs, named))
        raise SettingError(
            f"cost: found {quantity!r}, expected one of {', '.join(QUANTITIES)}, or a table of "
            "numbers for each category"
        )
