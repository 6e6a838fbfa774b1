"""The supernet against the plain network, which computes each architecture by itself."""

from __future__ import annotations

import gc
import pickle
import weakref
from dataclasses import dataclass

import pytest
import torch
import torch.nn.functional as F
from cell_helpers import (
    difference,
    gradients,
    numbers,
    random_architectures,
    special_architectures,
)
from torch import Tensor, nn

from benchmarks.plain import PlainNetwork, load_from, to_plain
from pdas.space import Architecture
from pdas.spaces.cells.supernet import CellSupernet
from pdas.support.errors import SettingError


@dataclass
class Case:
    """A supernet and the plain network with the same weights, and a batch for both."""

    net: CellSupernet
    plain: PlainNetwork
    x: Tensor
    y: Tensor

    def run(self, architecture: Architecture) -> tuple[Tensor, Tensor]:
        """The outputs of both; the gradients of a loss are left in their parameters."""
        outputs = []
        for net in (self.net, self.plain):
            net.zero_grad(set_to_none=True)
            outputs.append(net(self.x, architecture))
            F.cross_entropy(outputs[-1], self.y).backward()
        return outputs[0], outputs[1]

    def used(self, architecture: Architecture) -> set[str]:
        """Names of the supernet's parameters that matter, from the plain network's gradients.

        There, all of an output weight has a gradient: which of its blocks are read is decided by
        which nodes are no node's input.
        """
        reached = {name for name, p in self.plain.named_parameters() if p.grad is not None}
        used = set()
        for name, _ in self.net.named_parameters():
            cell, is_block, node = name.partition(".output.blocks.")
            if not is_block:
                used |= {name} & reached
            elif f"{cell}.output.weight" in reached:
                kind = self.plain.kinds[int(cell.split(".")[1])]
                inputs = [
                    v
                    for n, v in architecture.to_dict().items()
                    if n.startswith(kind) and "/in" in n
                ]
                if f"node{int(node) + 1}" not in inputs:
                    used.add(name)
        return used


def make_case(size: tuple[int, int], in_channels: int = 3, **settings: int) -> Case:
    torch.manual_seed(0)
    net = CellSupernet(in_channels=in_channels, **settings).double()
    plain = PlainNetwork(in_channels=in_channels, **settings).double()
    load_from(plain, net)
    x = torch.randn(3, in_channels, *size, dtype=torch.float64)
    return Case(net, plain, x, torch.tensor([0, 3, 1]))


@pytest.fixture(scope="module")
def case() -> Case:
    return make_case((9, 12), cells_per_stage=1, channels=4)


@pytest.fixture(scope="module")
def deep() -> Case:
    return make_case((8, 8), in_channels=1, cells_per_stage=2, channels=4, classes=4)


@pytest.mark.parametrize("group", range(5))
def test_computes_what_a_plain_network_computes(case: Case, group: int) -> None:
    for architecture in random_architectures(case.net.space, 10, seed=group):
        check_against_plain(case, architecture)


def test_computes_what_a_plain_network_computes_where_cells_are_passed_by(deep: Case) -> None:
    for architecture in special_architectures(deep.net.space):
        check_against_plain(deep, architecture)


def test_other_numbers_of_nodes_and_odd_channels() -> None:
    case = make_case((11, 11), nodes=2, cells_per_stage=1, channels=5)
    for architecture in random_architectures(case.net.space, 10):
        check_against_plain(case, architecture)


def check_against_plain(case: Case, architecture: Architecture) -> None:
    """Output, every gradient, which weights have one, and their number."""
    out, expected = case.run(architecture)
    assert difference(out, expected) < 1e-10

    found = to_plain(gradients(case.net))
    for name, gradient in gradients(case.plain).items():
        assert difference(found[name], gradient) < 1e-10, name

    with_gradient = {name for name, p in case.net.named_parameters() if p.grad is not None}
    assert with_gradient == case.used(architecture)

    derived = case.net.derive(architecture)
    affine = [p for m in derived.modules() if isinstance(m, nn.BatchNorm2d) for p in m.parameters()]
    used = [p for p in case.net.parameters() if p.grad is not None]
    assert numbers(derived.parameters()) - numbers(affine) == numbers(used)


def test_many_architectures_together_are_each_by_itself(deep: Case) -> None:
    net = deep.net
    a, b, c = random_architectures(net.space, 3)
    together = [a, b, a, *special_architectures(net.space)[:2], c]

    net.zero_grad(set_to_none=True)
    outputs = net.forward_many(deep.x, together)
    torch.stack([F.cross_entropy(out, deep.y) for out in outputs]).mean().backward()
    found = gradients(net)

    net.zero_grad(set_to_none=True)
    for out, architecture in zip(outputs, together, strict=True):
        alone = net(deep.x, architecture)
        assert difference(out, alone) < 1e-12
        (F.cross_entropy(alone, deep.y) / len(together)).backward()
    for name, gradient in gradients(net).items():
        assert difference(found[name], gradient) < 1e-11, name


def test_only_the_convolutions_in_use_run_and_each_only_once(deep: Case) -> None:
    calls: dict[str, int] = {}
    names = {m: n for n, m in deep.net.named_modules() if isinstance(m, nn.Conv2d)}

    def count(module: nn.Module, *_: object) -> None:
        calls[names[module]] = calls.get(names[module], 0) + 1

    handles = [module.register_forward_hook(count) for module in names]
    for architecture in special_architectures(deep.net.space):
        deep.run(architecture)
        used = {name.removesuffix(".weight") for name in deep.used(architecture)}
        calls.clear()
        deep.net.forward_many(deep.x, [architecture, architecture])
        assert calls == dict.fromkeys(used & set(names.values()), 1)
    for handle in handles:
        handle.remove()


@pytest.mark.parametrize("training", [True, False])
def test_a_batch_leaves_nothing_behind(case: Case, training: bool) -> None:
    architecture = random_architectures(case.net.space, 1)[0]
    before = {name: value.clone() for name, value in case.net.state_dict().items()}
    first = case.net.train(training)(case.x, architecture)
    case.net(case.x + 1, architecture)
    after = case.net.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], before[name]) for name in before)
    assert not list(case.net.buffers())
    assert torch.equal(case.net(case.x, architecture), first)
    case.net.train()


def test_evaluation_uses_the_statistics_of_its_batch(case: Case) -> None:
    architecture = random_architectures(case.net.space, 1)[0]
    in_training = case.net.train()(case.x, architecture)
    assert torch.equal(case.net.eval()(case.x, architecture), in_training)
    assert difference(case.net(case.x[:2], architecture), in_training[:2]) > 1e-3
    case.net.train()


def test_the_activations_of_a_pass_are_freed_without_the_garbage_collector(case: Case) -> None:
    seen: list[weakref.ref[Tensor]] = []

    def remember(module: nn.Module, inputs: object, out: Tensor) -> None:
        seen.append(weakref.ref(out))

    handles = [block.register_forward_hook(remember) for block in case.net.modules()]
    gc.collect()
    gc.disable()
    try:
        with torch.no_grad():
            case.net(case.x, random_architectures(case.net.space, 1)[0])
        assert len(seen) > 10
        assert all(reference() is None for reference in seen)
    finally:
        gc.enable()
        for handle in handles:
            handle.remove()


def test_a_step_leaves_weights_that_are_not_used_as_they_are() -> None:
    case = make_case((8, 8), cells_per_stage=1, channels=4)
    sgd = torch.optim.SGD(case.net.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1)
    first, second = random_architectures(case.net.space, 2)
    case.run(first)
    sgd.step()  # leaves momentum in the weights of the first
    before = {name: p.detach().clone() for name, p in case.net.named_parameters()}
    case.run(second)
    sgd.step()
    changed = {n for n, p in case.net.named_parameters() if not torch.equal(p, before[n])}
    assert changed == case.used(second)


@pytest.mark.parametrize("in_channels", [1, 3])
@pytest.mark.parametrize("size", [(8, 8), (9, 9), (13, 10), (32, 32)])
def test_takes_images_of_any_size(in_channels: int, size: tuple[int, int]) -> None:
    net = CellSupernet(nodes=2, cells_per_stage=1, channels=2, in_channels=in_channels, classes=7)
    for architecture in special_architectures(net.space)[:5]:
        assert net(torch.randn(2, in_channels, *size), architecture).shape == (2, 7)


@pytest.mark.parametrize("size", [(7, 7), (7, 32), (32, 4)])
def test_images_that_are_too_small_are_an_error(case: Case, size: tuple[int, int]) -> None:
    architecture = random_architectures(case.net.space, 1)[0]
    x = torch.zeros(2, 3, *size, dtype=torch.float64)
    for net in (case.net, lambda x, a: case.net.derive(a)(x)):
        with pytest.raises(SettingError, match=r"image size: found .*expected at least 8x8"):
            net(x, architecture)


@pytest.mark.parametrize(
    ("setting", "value"),
    [("nodes", 0), ("cells_per_stage", 0), ("channels", 1), ("in_channels", 0), ("classes", 1)],
)
def test_settings_out_of_range_are_an_error(setting: str, value: int) -> None:
    with pytest.raises(SettingError, match=rf"network\.{setting}: found {value}, expected"):
        CellSupernet(**{setting: value})


def test_an_unknown_operation_is_an_error() -> None:
    with pytest.raises(
        SettingError, match=r"network\.operations\.1: found 'conv_7x7'.*max_pool_3x3"
    ):
        CellSupernet(operations=["identity", "conv_7x7"])


def test_has_the_paper_s_space_by_default() -> None:
    space = CellSupernet(channels=2).space
    assert (len(space), space.sizes.sum()) == (40, 180)


def test_survives_pickling(case: Case) -> None:
    architecture = random_architectures(case.net.space, 1)[0]
    again = pickle.loads(pickle.dumps(case.net))
    assert torch.equal(again(case.x, architecture), case.net(case.x, architecture))


def test_operations_without_weights_are_those_that_add_none_to_a_normal_cell() -> None:
    net = CellSupernet(nodes=1, cells_per_stage=1, channels=2)
    cost = net.cost("parameters")
    labels = dict(net.space.architecture([0] * len(net.space)).to_dict())
    masks = dict(zip(net.space, net.with_weights(), strict=True))
    for name in ("normal/node1/op1", "normal/node1/op2"):
        counts = [cost(net.space.architecture(labels | {name: label})) for label in net.space[name]]
        assert masks[name].tolist() == [count > min(counts) for count in counts]
    assert all(masks["reduction/node1/in2"])
