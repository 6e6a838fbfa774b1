"""What every supernet must do, and the plain networks that are derived from it."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import torch
from torch import nn

from pdas.space import Architecture, SearchSpace
from pdas.support.errors import SpaceError
from pdas.testing.case import SupernetCase
from pdas.testing.refusal import refusal
from pdas.testing.tensors import (
    backward,
    check_apart,
    check_equal,
    close,
    gradients,
    influences,
    largest,
    same_weights,
    shift_weights,
    tensors,
    weights_in_use,
)


class SupernetTests:
    """What every supernet must do. Inherit it in a test file, under a name that begins with `Test`.

    Your class has one fixture, `case`, which returns a new `SupernetCase`. What a supernet may have
    beside `space` and `forward` is tested if it is there: `forward_many`, `derive`, `active`.

    Example:
        class TestNet(SupernetTests):
            @pytest.fixture
            def case(self):
                return SupernetCase(Net(), inputs=(torch.randn(5, 4),))
    """

    def test_it_has_a_search_space(self, case: SupernetCase) -> None:
        assert isinstance(case.net.space, SearchSpace)

    def test_every_category_runs_and_gives_finite_outputs(self, case: SupernetCase) -> None:
        for architecture in case.architectures():
            check_finite(case.net(*case.inputs, architecture, **case.named))

    def test_a_call_does_not_depend_on_former_ones(self, case: SupernetCase) -> None:
        """Of other architectures or other inputs, with or without a backward pass."""
        net = case.net.train()
        untouched = copy.deepcopy(net)
        for architecture in case.architectures():
            backward(net(*case.other_inputs(), architecture, **case.named))
        for architecture in case.architectures():
            expected = copy.deepcopy(untouched)(*case.inputs, architecture, **case.named)
            check_equal(net(*case.inputs, architecture, **case.named), expected)

    def test_architectures_of_an_equal_space_are_accepted(self, case: SupernetCase) -> None:
        for architecture in case.architectures():
            twin = SearchSpace(architecture.space.to_dict()).architecture(architecture.indices)
            expected = case.net(*case.inputs, architecture, **case.named)
            check_equal(case.net(*case.inputs, twin, **case.named), expected)

    def test_forward_refuses_an_architecture_of_another_space(self, case: SupernetCase) -> None:
        with refusal(SpaceError):
            case.net(*case.inputs, foreign(case), **case.named)

    def test_a_step_changes_only_weights_in_use(self, case: SupernetCase) -> None:
        """Not by weight decay or momentum: the other weights have no gradient, rather than zero."""
        net = case.net.train()
        sgd = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, weight_decay=0.1)
        for architecture in case.architectures():  # leaves momentum everywhere
            step(sgd, net, *case.inputs, architecture, **case.named)
        for architecture in case.architectures():
            used = weights_in_use(net, *case.inputs, architecture, **case.named)
            before = {name: w.detach().clone() for name, w in net.named_parameters()}
            step(sgd, net, *case.inputs, architecture, **case.named)
            changed = {n for n, w in net.named_parameters() if not torch.equal(w, before[n])}
            for name in changed - used:
                # Its gradient may have been zero in all draws of weights; so change it and look.
                assert influences(net, name, *case.inputs, architecture, **case.named), (
                    f"a step changed {name}, which {architecture!r} does not use"
                )

    def test_many_together_are_each_by_itself(self, case: SupernetCase) -> None:
        net, forward_many = case.net.train(), case.method("forward_many")
        architectures = [*case.architectures(), case.architectures()[0]]
        together = forward_many(*case.inputs, architectures, **case.named)
        backward(together)
        found = gradients(net)
        net.zero_grad(set_to_none=True)
        for out, architecture in zip(together, architectures, strict=True):
            alone = net(*case.inputs, architecture, **case.named)
            check_equal(out, alone)
            backward(alone)
        expected = gradients(net)
        assert found.keys() == expected.keys()
        for name, gradient in expected.items():
            close(found[name], gradient, largest(expected.values()))

    def test_forward_many_refuses_an_architecture_of_another_space(
        self, case: SupernetCase
    ) -> None:
        forward_many = case.method("forward_many")
        with refusal(SpaceError):
            forward_many(*case.inputs, [case.architectures()[0], foreign(case)], **case.named)

    def test_the_derived_network_stands_alone(self, case: SupernetCase) -> None:
        """It runs without an architecture, and has nothing in common with the supernet."""
        for architecture in case.architectures():
            expected = [
                t.shape for t in tensors(case.net(*case.inputs, architecture, **case.named))
            ]
            for keep_weights in (False, True):
                network = case.derived(architecture, keep_weights)
                check_apart(network, case.net)
                out = network(*case.inputs, **case.named)
                check_finite(out)
                assert [t.shape for t in tensors(out)] == expected

    def test_nothing_is_unused_in_the_derived_network(self, case: SupernetCase) -> None:
        for architecture in case.architectures():
            network = case.derived(architecture, False).train()
            backward(network(*case.inputs, **case.named))
            trained = {name for name, w in network.named_parameters() if w.requires_grad}
            unused = trained - set(gradients(network))
            assert not unused, f"the network of {architecture!r} does not use {sorted(unused)}"

    def test_the_derived_network_pickles(self, case: SupernetCase) -> None:
        for architecture in case.architectures():
            network = case.derived(architecture, False).eval()
            restored = pickle.loads(pickle.dumps(network))
            check_equal(restored(*case.inputs, **case.named), network(*case.inputs, **case.named))

    def test_fresh_weights_are_drawn_from_the_seed_of_torch(self, case: SupernetCase) -> None:
        for architecture in case.architectures():
            torch.manual_seed(0)
            first, second = (case.derived(architecture, False) for _ in range(2))
            torch.manual_seed(0)
            assert same_weights(case.derived(architecture, False), first)
            if list(first.parameters()):
                assert not same_weights(first, second)

    def test_with_kept_weights_it_computes_what_the_supernet_computes(
        self, case: SupernetCase
    ) -> None:
        net = case.net.train()
        shift_weights(net)
        for architecture in case.architectures():
            network = case.derived(architecture, True).train()
            check_equal(
                network(*case.inputs, **case.named), net(*case.inputs, architecture, **case.named)
            )

    def test_derive_refuses_an_architecture_of_another_space(self, case: SupernetCase) -> None:
        case.derived(case.architectures()[0], False)
        with refusal(SpaceError):
            case.derived(foreign(case), False)

    def test_active_says_it_of_every_variable(self, case: SupernetCase) -> None:
        active = case.method("active")
        for architecture in case.architectures():
            found = np.asarray(active(architecture))
            assert (found.shape, found.dtype) == ((len(architecture.space),), np.dtype(bool))

    def test_inactive_variables_change_nothing(self, case: SupernetCase) -> None:
        active = case.method("active")
        for architecture in case.architectures():
            expected = case.net(*case.inputs, architecture, **case.named)
            for position in np.flatnonzero(~np.asarray(active(architecture))):
                other = with_another_category(architecture, int(position))
                check_equal(case.net(*case.inputs, other, **case.named), expected)


def check_finite(output: Any) -> None:
    """An output has tensors, and every number of it is finite."""
    assert tensors(output)
    assert all(torch.isfinite(t).all() for t in tensors(output))


def foreign(case: SupernetCase) -> Architecture:
    """An architecture of another space, which has all variables of the supernet and one more."""
    architecture = case.architectures()[0]
    space = SearchSpace({**architecture.space, "of another space": [0]})
    return space.architecture([*architecture.indices, 0])


def with_another_category(architecture: Architecture, position: int) -> Architecture:
    """The architecture with the next category of one variable, the first after the last."""
    indices = architecture.indices.copy()
    indices[position] = (indices[position] + 1) % architecture.space.sizes[position]
    return architecture.space.architecture(indices)


def step(sgd: torch.optim.Optimizer, net: nn.Module, *arguments: Any, **named: Any) -> None:
    """One step of training."""
    net.zero_grad(set_to_none=True)
    backward(net(*arguments, **named))
    sgd.step()
