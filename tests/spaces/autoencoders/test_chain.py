"""What is drawn of an auto-encoder is the network that is built of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from pdas.spaces.autoencoders.chain import read_chain
from pdas.spaces.autoencoders.network import AutoencoderNetwork
from pdas.spaces.autoencoders.settings import ChainSettings
from pdas.spaces.autoencoders.space import autoencoder_space, is_chain

Chains = Callable[..., dict[str, Any]]


@pytest.mark.parametrize("size", [28, 33, 64])
@pytest.mark.parametrize("seed", range(4))
def test_layers_and_sizes_are_those_of_the_network(
    random_chain: Chains, seed: int, size: int
) -> None:
    architecture = random_chain(20, seed, straight=seed % 2 == 0)
    network = AutoencoderNetwork(architecture, 1, (size, size))
    maps = [torch.zeros(1, 1, size, size)]
    for convolution in network.encoder:
        maps.append(convolution(maps[-1]))
    chain = read_chain(architecture, size)
    assert chain.known == 20
    assert list(chain.sizes) == [x.shape[-1] for x in maps]
    assert [layer.channels for layer in chain.layers] == [x.shape[1] for x in maps[1:]]
    whole = read_chain(architecture)
    assert whole.passed == whole.sizes == ()
    both = sorted(chain.layers + chain.passed, key=lambda layer: layer.index)
    assert tuple(both) == whole.layers


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"layers": 1, "level_back": 3},
        {"layers": 7, "level_back": 7, "kernels": (7, 9), "channels": (2, 3, 1024)},
    ],
)
def test_architectures_of_the_space_are_chains(settings: dict[str, Any]) -> None:
    space, rng = autoencoder_space(ChainSettings(**settings)), np.random.default_rng(0)
    assert all(is_chain(space.uniform(rng).to_dict()) for _ in range(20))


@pytest.mark.parametrize(
    "change",
    [
        {"layer2/from": 2},
        {"layer2/from": 3},  # with layer 3 reading layer 2, a ring
        {"layer2/from": -1},
        {"layer2/from": "1"},
        {"layer2/from": 1.0},
        {"layer2/from": True},
        {"layer2/type": "3x3"},
        {"layer2/type": "3x5_skip"},
        {"layer2/type": "4x4_skip"},
        {"layer2/type": "identity"},
        {"layer2/type": 3},
        {"layer2/channels": 0},
        {"layer2/channels": "64"},
        {"layer2/channels": None},
        {"layer2/channels": [64]},
        {"output/from": 4},
        {"op": "skip"},
        {"op": 3},
    ],
)
def test_other_architectures_are_no_chains(random_chain: Chains, change: dict[str, Any]) -> None:
    chain = random_chain(3, 0, straight=True)
    assert is_chain(chain)
    assert not is_chain(chain | change)


def test_what_lacks_a_variable_is_no_chain(
    random_chain: Chains, random_cells: Callable[..., dict[str, str]]
) -> None:
    chain = random_chain(3, 0)
    for name in chain:
        assert not is_chain({key: label for key, label in chain.items() if key != name})
    assert not is_chain({})
    assert not is_chain(random_cells(3, 0))
