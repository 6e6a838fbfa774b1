"""The space of auto-encoders: its size, its chains, and how they print."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from pydantic import ValidationError

from pdas.spaces.autoencoders.settings import AutoencoderSettings
from pdas.spaces.autoencoders.space import (
    autoencoder_space,
    base_architecture,
    chain_text,
    decode_chain,
    traversed,
)

PAPER = autoencoder_space(AutoencoderSettings())


def test_the_size_of_the_paper() -> None:
    assert (len(PAPER), PAPER.sizes.sum()) == (60, 274)


@pytest.mark.parametrize(("layers", "level_back"), [(1, 5), (4, 1), (7, 3), (20, 5), (3, 9)])
def test_categories_are_those_of_the_definition(layers: int, level_back: int) -> None:
    settings = AutoencoderSettings(layers=layers, level_back=level_back)
    space = autoencoder_space(settings)
    for i in range(1, layers + 1):
        assert len(space[f"layer{i}/type"]) == 6
        assert space[f"layer{i}/channels"] == (64, 128, 256)
        assert (f"layer{i}/from" in space) == (i > 1)
        if i > 1:
            assert set(space[f"layer{i}/from"]) == set(range(max(0, i - level_back), i))
    assert len(space["output/from"]) == min(layers + 1, level_back)
    assert len(space) == 3 * layers


def test_the_chain_is_what_the_output_depends_on() -> None:
    rng = np.random.default_rng(0)
    for architecture in (PAPER.uniform(rng) for _ in range(200)):
        chain = decode_chain(architecture)
        indices = [layer.index for layer in chain]
        assert indices == sorted(set(indices))
        assert indices[-1] == architecture["output/from"]
        assert [layer.source for layer in chain] == [0, *indices[:-1]]
        for layer in chain:
            assert layer.channels == architecture[f"layer{layer.index}/channels"]
            assert layer.type.label == architecture[f"layer{layer.index}/type"]


def test_inactive_variables_do_not_change_the_chain() -> None:
    rng = np.random.default_rng(1)
    architecture = PAPER.uniform(rng)
    used = {f"layer{layer.index}" for layer in decode_chain(architecture)} | {"output"}
    labels = architecture.to_dict() | {
        name: label
        for name, label in PAPER.uniform(rng).to_dict().items()
        if name.partition("/")[0] not in used
    }
    other = PAPER.architecture(labels)
    assert other != architecture
    assert decode_chain(other) == decode_chain(architecture)


def test_it_prints_as_the_paper_draws_it() -> None:
    space = autoencoder_space(AutoencoderSettings(layers=3, level_back=3))
    architecture = space.architecture(
        {
            "layer1/type": "3x3_down",
            "layer1/channels": 256,
            "layer2/type": "1x1_skip",
            "layer2/channels": 64,
            "layer2/from": 0,
            "layer3/type": "5x5_skip",
            "layer3/channels": 128,
            "layer3/from": 1,
            "output/from": 3,
        }
    )
    assert chain_text(decode_chain(architecture)) == "(3x3, 256, from 0) -> (5x5 skip, 128, from 1)"


@pytest.mark.parametrize("size", [(64, 64), (1, 1), (5, 1), (33, 2)])
def test_sampling_down_stops_at_one_pixel(size: tuple[int, int]) -> None:
    space = autoencoder_space(AutoencoderSettings(layers=9, level_back=1))
    labels = {name: categories[-1] for name, categories in space.items()}
    chain = decode_chain(space.architecture(labels))
    assert len(chain) == 9 and not any(layer.type.skip for layer in chain)
    halvings = int(np.ceil(np.log2(max(size))))
    assert len(traversed(chain, *size)) == halvings
    skips = decode_chain(space.architecture([0] * len(space)))
    assert traversed(skips, *size) == skips


def test_base_has_the_same_chain_of_small_layers_with_skips() -> None:
    rng = np.random.default_rng(2)
    for architecture in (PAPER.uniform(rng) for _ in range(20)):
        chain, base = decode_chain(architecture), decode_chain(base_architecture(architecture))
        assert [layer.index for layer in base] == [layer.index for layer in chain]
        assert {(layer.type.label, layer.channels) for layer in base} == {("3x3_skip", 64)}


def test_base_has_what_is_nearest_in_another_space() -> None:
    small = autoencoder_space(AutoencoderSettings(layers=4, kernels=(5, 7), channels=(16, 64, 90)))
    for seed in range(9):
        base = decode_chain(base_architecture(small.uniform(np.random.default_rng(seed))))
        assert {(layer.type.label, layer.channels) for layer in base} <= {("5x5_skip", 64)}


def test_every_architecture_of_a_small_space_has_a_chain() -> None:
    space = autoencoder_space(AutoencoderSettings(layers=2, level_back=2, kernels=(3,)))
    lengths = [
        len(decode_chain(architecture))
        for architecture in space.architectures(list(product(*map(range, space.sizes))))
    ]
    assert set(lengths) == {1, 2}  # layer 1 alone, layer 2 of the image, or both


@pytest.mark.parametrize(
    "bad",
    [{"kernels": (2,)}, {"kernels": ()}, {"channels": (64, 32)}, {"layers": 0}, {"level_back": 0}],
)
def test_settings_that_make_no_space_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(bad))):
        AutoencoderSettings(**bad)  # type: ignore[arg-type]
