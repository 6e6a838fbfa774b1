"""Supernets with one defect each. Their docstrings name the tests that must find it.

Its tests fail; test_every_test_can_fail runs them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from chosen import Chosen
from torch import Tensor, nn

from pdas.space import Architecture
from pdas.support.errors import SpaceError
from pdas.testing import SupernetCase, SupernetTests


class HasADictForASpace(Chosen):
    """test_it_has_a_search_space"""

    def __init__(self) -> None:
        super().__init__()
        self.space = dict(self.space)  # type: ignore[assignment]


class HasNoLayerForOneCategory(Chosen):
    """test_every_category_runs_and_gives_finite_outputs"""

    def __init__(self) -> None:
        super().__init__()
        del self.second["gelu"]


class DividesByZeroInOneCategory(Chosen):
    """test_every_category_runs_and_gives_finite_outputs"""

    def forward(self, x: Tensor, architecture: Architecture) -> Tensor:
        return super().forward(x, architecture) / (architecture["first"] != "tanh")


class RemembersOutputs(Chosen):
    """test_a_call_does_not_depend_on_former_ones"""

    def __init__(self) -> None:
        super().__init__()
        self.outputs: dict[Architecture, Tensor] = {}

    def forward(self, x: Tensor, architecture: Architecture) -> Tensor:
        if architecture not in self.outputs:
            self.outputs[architecture] = super().forward(x, architecture).detach()
        return self.outputs[architecture]


class CountsItsCalls(Chosen):
    """test_a_call_does_not_depend_on_former_ones"""

    calls = 0

    def forward(self, x: Tensor, architecture: Architecture) -> Tensor:
        self.calls += 1
        return super().forward(x, architecture) * (1 + 0.01 * self.calls)


class DropsOut(Chosen):
    """test_a_call_does_not_depend_on_former_ones"""

    def forward(self, x: Tensor, architecture: Architecture) -> Tensor:
        return super().forward(nn.functional.dropout(x, training=self.training), architecture)


class TellsSpacesByIdentity(Chosen):
    """test_architectures_of_an_equal_space_are_accepted"""

    def forward(self, x: Tensor, architecture: Architecture) -> Tensor:
        if architecture.space is not self.space:
            raise SpaceError("architecture: it is of another space")
        return super().forward(x, architecture)


class TakesArchitecturesOfOtherSpaces(Chosen):
    """test_forward_refuses_an_architecture_of_another_space,
    test_forward_many_refuses_an_architecture_of_another_space,
    test_derive_refuses_an_architecture_of_another_space
    """

    def path(self, architecture: Architecture) -> nn.Sequential:
        return super().path(self.space.architecture({n: architecture[n] for n in self.space}))


class RaisesAnotherError(Chosen):
    """test_forward_refuses_an_architecture_of_another_space"""

    def path(self, architecture: Architecture) -> nn.Sequential:
        if architecture.space != self.space:
            raise KeyError("space")
        return super().path(architecture)


class MultipliesByZero(Chosen):
    """test_a_step_changes_only_weights_in_use"""

    def forward(self, x: Tensor, architecture: Architecture) -> Tensor:
        unused = sum(layer(x).sum() for layer in self.first.values())
        return super().forward(x, architecture) + 0 * unused


class TrainsWhatItPassesOver(Chosen):
    """test_a_step_changes_only_weights_in_use"""

    def forward(self, x: Tensor, architecture: Architecture) -> Tensor:
        for layer in self.second.values():
            layer.weight.data.mul_(1.001)  # type: ignore[operator, union-attr]
        return super().forward(x, architecture)


class GivesThemInAnotherOrder(Chosen):
    """test_many_together_are_each_by_itself"""

    def forward_many(self, x: Tensor, architectures: Sequence[Architecture]) -> list[Tensor]:
        return super().forward_many(x, architectures)[::-1]


class SharesWithoutGradient(Chosen):
    """test_many_together_are_each_by_itself"""

    def forward_many(self, x: Tensor, architectures: Sequence[Architecture]) -> list[Tensor]:
        first, *others = super().forward_many(x, architectures)
        return [first, *(out.detach() for out in others)]


class LeavesOneOut(Chosen):
    """test_many_together_are_each_by_itself"""

    def forward_many(self, x: Tensor, architectures: Sequence[Architecture]) -> list[Tensor]:
        return super().forward_many(x, list(dict.fromkeys(architectures)))


class ChecksNothingOfMany(Chosen):
    """test_forward_many_refuses_an_architecture_of_another_space"""

    def forward_many(self, x: Tensor, architectures: Sequence[Architecture]) -> list[Tensor]:
        own = [self.space.architecture({n: a[n] for n in self.space}) for a in architectures]
        return super().forward_many(x, own)


class Wrapped(nn.Module):
    """A derived network that is the supernet with an architecture."""

    def __init__(self, net: nn.Module, architecture: Architecture) -> None:
        super().__init__()
        self.nets, self.architecture = [net], architecture

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.nets[0](x, self.architecture)
        return out


class DerivesItself(Chosen):
    """test_the_derived_network_stands_alone"""

    def derive(self, architecture: Architecture, keep_weights: bool = False) -> nn.Module:
        return Wrapped(self, architecture)


class DerivesItsOwnLayers(Chosen):
    """test_the_derived_network_stands_alone"""

    def derive(self, architecture: Architecture, keep_weights: bool = False) -> nn.Module:
        return self.path(architecture)


class SharesWeightsThatAreKept(Chosen):
    """test_the_derived_network_stands_alone"""

    def derive(self, architecture: Architecture, keep_weights: bool = False) -> nn.Module:
        network = super().derive(architecture, keep_weights)
        if keep_weights:
            for own, kept in zip(
                network.parameters(), self.path(architecture).parameters(), strict=True
            ):
                own.data = kept.data
        return network


class DerivesAnotherShape(Chosen):
    """test_the_derived_network_stands_alone"""

    def derive(self, architecture: Architecture, keep_weights: bool = False) -> nn.Module:
        return nn.Sequential(super().derive(architecture, keep_weights), nn.Flatten(0))


class DerivesWithUnusedLayers(Chosen):
    """test_nothing_is_unused_in_the_derived_network"""

    def derive(self, architecture: Architecture, keep_weights: bool = False) -> nn.Module:
        network = super().derive(architecture, keep_weights)
        network[0].unused = nn.Linear(4, 8)  # type: ignore[index]
        return network


class DerivesWithAFunction(Chosen):
    """test_the_derived_network_pickles"""

    def derive(self, architecture: Architecture, keep_weights: bool = False) -> nn.Module:
        network = super().derive(architecture, keep_weights)
        network.scale = lambda x: 2 * x
        return network


class ForgetsItsScale(nn.Module):
    """A derived network whose output depends on what is not kept."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network, self.scale = network, 2.0

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"scale": 1.0}

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.scale * self.network(x)
        return out


class DerivesWhatIsNotKept(Chosen):
    """test_the_derived_network_pickles"""

    def derive(self, architecture: Architecture, keep_weights: bool = False) -> nn.Module:
        return ForgetsItsScale(super().derive(architecture, keep_weights))


class AlwaysKeepsWeights(Chosen):
    """test_fresh_weights_are_drawn_from_the_seed_of_torch"""

    def derive(self, architecture: Architecture, keep_weights: bool = False) -> nn.Module:
        return super().derive(architecture, True)


class DrawsFromASeedOfItsOwn(Chosen):
    """test_fresh_weights_are_drawn_from_the_seed_of_torch"""

    def derive(self, architecture: Architecture, keep_weights: bool = False) -> nn.Module:
        if not keep_weights:
            torch.seed()
        return super().derive(architecture, keep_weights)


class NeverKeepsWeights(Chosen):
    """test_with_kept_weights_it_computes_what_the_supernet_computes"""

    def derive(self, architecture: Architecture, keep_weights: bool = False) -> nn.Module:
        return super().derive(architecture, False)


class ForgetsBiases(Chosen):
    """test_with_kept_weights_it_computes_what_the_supernet_computes"""

    def __init__(self) -> None:
        super().__init__()
        nn.init.zeros_(self.last.bias)

    def derive(self, architecture: Architecture, keep_weights: bool = False) -> nn.Module:
        network = super().derive(architecture, keep_weights)
        nn.init.zeros_(network[-1].bias)  # type: ignore[index]
        return network


class DerivesFromAnySpace(Chosen):
    """test_derive_refuses_an_architecture_of_another_space"""

    def derive(self, architecture: Architecture, keep_weights: bool = False) -> nn.Module:
        own = self.space.architecture({name: architecture[name] for name in self.space})
        return super().derive(own, keep_weights)


class NamesWhatIsActive(Chosen):
    """test_active_says_it_of_every_variable"""

    def active(self, architecture: Architecture) -> Any:
        return [name for name in architecture.space if name != "second"]


class LeavesOutOneVariable(Chosen):
    """test_active_says_it_of_every_variable"""

    def active(self, architecture: Architecture) -> Any:
        return super().active(architecture)[1:]


class TakesAnActiveVariableForInactive(Chosen):
    """test_inactive_variables_change_nothing"""

    def active(self, architecture: Architecture) -> Any:
        return super().active(architecture) & [True, False, True]


class TestBroken(SupernetTests):
    @pytest.fixture(params=Chosen.__subclasses__(), ids=lambda defect: defect.__name__)
    def case(self, request: pytest.FixtureRequest) -> SupernetCase:
        torch.manual_seed(0)
        return SupernetCase(request.param(), (torch.randn(5, 4),))
