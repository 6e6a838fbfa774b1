"""Forward and backward passes of all networks read no value, copy nothing and need no host.

So a GPU can work on them while the host prepares what follows, and they could be captured in a
graph.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pdas import recipes
from pdas.nn import Supernet
from pdas.space import Architecture
from pdas.spaces.base import FAMILIES
from tests.conftest import TINY, TINY_INPAINTING
from tests.nn.choice_helpers import Everything
from tests.standin.device import DEVICE, Watch
from tests.standin.paper import pairs

SHAPE = (3, 16, 16)
Derive = Callable[[Architecture], nn.Module]


def of_family(recipe: str, settings: tuple[str, ...], outputs: int) -> tuple[Any, Derive]:
    """A supernet of a recipe, and what derives networks."""
    network = recipes.load(recipe, settings).network
    family = FAMILIES[network.space]
    size = family.size(network, SHAPE, outputs)
    return family.supernet(size), lambda architecture: family.network(architecture, size)


def own() -> tuple[Any, Derive]:
    net = Supernet(Everything())
    return net, net.derive


NETWORKS: dict[str, Callable[[], tuple[Any, Derive]]] = {
    "cells": partial(of_family, "digits", TINY, 10),
    "auto-encoders": partial(of_family, "inpaint-photos", TINY_INPAINTING, 3),
    "own": own,
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_supernet_keeps_to_the_device(name: str) -> None:
    net, _ = NETWORKS[name]()
    net.to(DEVICE)
    x = torch.zeros(4, *SHAPE, device=DEVICE)
    for pair in pairs(net.space, 4):
        with Watch() as watch:
            run_backward(outputs_of(net, x, pair))
        keeps_to_the_device(watch)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_derived_network_keeps_to_the_device(name: str) -> None:
    net, derive = NETWORKS[name]()
    x = torch.zeros(4, *SHAPE, device=DEVICE)
    for pair in pairs(net.space, 2):
        for architecture in pair:
            network: Any = derive(architecture).to(DEVICE).train()
            if hasattr(network, "drop_path"):
                network.drop_path = 0.2
            with Watch() as watch:
                run_backward([network(x)])
            keeps_to_the_device(watch)


def outputs_of(net: Any, x: Tensor, architectures: Any) -> list[Tensor]:
    if hasattr(net, "forward_many"):
        return list(net.forward_many(x, architectures))
    return [net(x, architecture) for architecture in architectures]


def run_backward(outputs: list[Tensor]) -> None:
    torch.stack([output.sum() for output in outputs]).sum().backward()


def keeps_to_the_device(watch: Watch) -> None:
    assert watch.operations["aten.convolution_backward.default"]
    assert not watch.found, "\n".join(dict.fromkeys(map(str, watch.found)))
    assert not watch.on_host, watch.on_host
