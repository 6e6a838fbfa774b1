"""The supernet of auto-encoders against padding, its derived networks, and what it may touch."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from pdas.nn.sliced import SlicedWeight
from pdas.space import Architecture
from pdas.spaces.autoencoders.space import Layer, decode_chain, traversed
from pdas.spaces.autoencoders.supernet import AutoencoderSupernet
from pdas.spaces.cells.supernet import CellSupernet
from pdas.support.errors import SettingError, SpaceError


def make(**settings: object) -> AutoencoderSupernet:
    torch.manual_seed(0)
    small = {"layers": 3, "level_back": 2, "kernels": (1, 3), "channels": (2, 5)}
    net = AutoencoderSupernet(**small | settings).double()
    for weight in net.parameters():  # so large that no output is lost in rounding
        weight.data.mul_(3)
    return net


def whole_space(net: AutoencoderSupernet) -> Iterator[Architecture]:
    yield from net.space.architectures(list(product(*map(range, net.space.sizes))))


def sampled(net: AutoencoderSupernet, count: int) -> list[Architecture]:
    rng = np.random.default_rng(0)
    return [net.space.uniform(rng) for _ in range(count)]


def images(*size: int, channels: int = 3, n: int = 2) -> Tensor:
    return torch.rand(n, channels, *size, dtype=torch.float64)


def whole(weight: SlicedWeight) -> Tensor:
    return weight(*(ends[-1] for ends in weight._sizes))


def fit(x: Tensor, channels: int) -> Tensor:
    """Channels of zeros added up to `channels`."""
    return F.pad(x, (0, 0, 0, 0, 0, channels - x.shape[1]))


def first(x: Tensor, channels: int) -> Tensor:
    """All but the first `channels` channels set to zero."""
    return x * (torch.arange(x.shape[1]) < channels).view(1, -1, 1, 1)


def transposed(x: Tensor, weight: Tensor, stride: int, size: torch.Size) -> Tensor:
    """A transposed convolution by its definition: all that it reaches, cut out at its padding."""
    margin = weight.shape[-1] // 2
    out = F.conv_transpose2d(x, weight, stride=stride)
    height, width = size
    out = F.pad(out, (0, stride, 0, stride))
    return out[:, :, margin : margin + height, margin : margin + width]


def padded(net: AutoencoderSupernet, architecture: Architecture, x: Tensor) -> Tensor:
    """The definition with all channels there can be computed, and the unused ones set to zero."""
    way: list[tuple[Layer, Tensor, torch.Size]] = []
    for layer in traversed(decode_chain(architecture), *x.shape[-2:]):
        weight = whole(net._weights(layer).encoder[layer.type.label])
        size, kernel = x.shape[-2:], layer.type.kernel
        x = fit(x, weight.shape[1])[:, : weight.shape[1]]
        x = F.conv2d(x, weight, stride=layer.type.stride, padding=kernel // 2)
        x = first(F.relu(x), layer.channels)
        way.append((layer, x, size))
    for layer, h, size in reversed(way):
        weight = whole(net._weights(layer).decoder[layer.type.label])
        x = transposed(x, weight, layer.type.stride, size)
        x = first(F.relu(x + h) if layer.type.skip else F.relu(x), layer.channels)
    weight = whole(net.output)
    return transposed(fit(x, len(weight)), weight, 1, x.shape[-2:])


def gradients(net: AutoencoderSupernet) -> dict[str, Tensor]:
    """The gradient of each weight, zeros where there is none."""
    return {
        name: torch.zeros_like(weight) if weight.grad is None else weight.grad
        for name, weight in net.named_parameters()
    }


def run(net: AutoencoderSupernet, out: Tensor) -> dict[str, Tensor]:
    net.zero_grad(set_to_none=True)
    (out * torch.arange(1.0, 1 + out.numel()).view_as(out)).sum().backward()
    return gradients(net)


def check_against_padding(net: AutoencoderSupernet, architecture: Architecture, x: Tensor) -> None:
    out, expected = net(x, architecture), padded(net, architecture, x)
    torch.testing.assert_close(out, expected)
    reference = run(net, expected)
    for name, gradient in run(net, out).items():
        torch.testing.assert_close(gradient, reference[name], msg=name)


def test_every_architecture_of_a_small_space_is_that_of_padding() -> None:
    net = make(layers=2, kernels=(3,))
    for architecture in whole_space(net):
        check_against_padding(net, architecture, images(6, 6))


@pytest.mark.parametrize("size", [(8, 8), (7, 5), (1, 2), (2, 9), (13, 13)])
def test_slicing_is_padding_at_any_size(size: tuple[int, int]) -> None:
    net = make(layers=6, level_back=3, kernels=(1, 3, 5), channels=(2, 3, 7))
    for architecture in sampled(net, 25):
        check_against_padding(net, architecture, images(*size))


def test_an_image_of_one_pixel_is_refused() -> None:
    net = make()
    with pytest.raises(SettingError, match="found 1x1 pixels"):
        net(images(1, 1), sampled(net, 1)[0])


def test_grey_images_and_images_of_as_many_channels_as_a_layer() -> None:
    for channels in (1, 2, 5, 9):
        net = make(image_channels=channels)
        for architecture in sampled(net, 10):
            check_against_padding(net, architecture, images(6, 6, channels=channels))


def test_an_output_that_reads_the_image() -> None:
    net = make(layers=2, level_back=5)
    architecture = net.space.architecture(sampled(net, 1)[0].to_dict() | {"output/from": 0})
    assert not decode_chain(architecture)
    check_against_padding(net, architecture, images(4, 4))


def test_a_derived_network_with_the_same_weights_computes_the_same() -> None:
    net = make(layers=2, kernels=(1, 3))
    for architecture in whole_space(net):
        for size in ((6, 6), (1, 3)):
            network = net.derive(architecture, size, keep_weights=True)
            x = images(*size)
            torch.testing.assert_close(network(x), net(x, architecture))


def test_a_derived_network_has_only_what_is_used_at_its_true_widths() -> None:
    net = make(layers=6, level_back=3, channels=(2, 3, 7))
    for architecture in sampled(net, 30):
        network = net.derive(architecture, (8, 8))
        chain = traversed(decode_chain(architecture), 8, 8)
        widths = [3, *(layer.channels for layer in chain)]
        area = [layer.type.kernel**2 for layer in chain]
        count = sum(a * m * n for a, m, n in zip(area, widths[1:], widths, strict=False))
        inputs = [*widths[2:], widths[-1]] if chain else []
        count += sum(a * m * n for a, m, n in zip(area, widths[1:], inputs, strict=True))
        count += 9 * 3 * (widths[1] if chain else 3)
        assert sum(weight.numel() for weight in network.parameters()) == count
        assert network(images(8, 8)).shape == (2, 3, 8, 8)


def test_a_derived_network_takes_other_sizes_and_prints_its_chain() -> None:
    net = make()
    architecture = sampled(net, 1)[0]
    network = net.derive(architecture, (16, 16))
    assert network(images(9, 12)).shape == (2, 3, 9, 12)
    assert str(network).startswith("(") and "from 0" in str(network)


def test_what_is_printed_is_what_there_is() -> None:
    net = make(level_back=1)
    labels = net.space.uniform(np.random.default_rng(0)).to_dict()
    labels |= {f"layer{i}/type": "3x3_down" for i in (1, 2, 3)}
    network = net.derive(net.space.architecture(labels), (2, 2))
    assert len(network.encoder) == 1
    assert str(network).count("from") == 1


def test_only_what_is_used_has_a_gradient() -> None:
    net = make(layers=4, channels=(2, 3, 7))
    for architecture in sampled(net, 20):
        net.zero_grad(set_to_none=True)
        net(images(8, 8), architecture).sum().backward()
        chain = traversed(decode_chain(architecture), 8, 8)
        used = {f"layers.{layer.index - 1}" for layer in chain} | {"output"}
        found = {n for n, weight in net.named_parameters() if weight.grad is not None}
        assert {re.match(r"layers\.\d+|output", name).group() for name in found} == used  # type: ignore[union-attr]
        touched = sum(dict(net.named_parameters())[name].numel() for name in found)
        network = net.derive(architecture, (8, 8))
        assert touched == sum(weight.numel() for weight in network.parameters())


def test_many_together_are_each_alone_and_what_is_common_is_computed_once() -> None:
    net = make(layers=5, level_back=3)
    architectures = sampled(net, 6)
    architectures.append(architectures[0])
    x = images(8, 8)
    together = net.forward_many(x, architectures)
    for architecture, out in zip(architectures, together, strict=True):
        assert torch.equal(out, net(x, architecture))
    assert together[0] is together[-1]


def test_at_the_settings_of_the_paper_there_are_183_million_weights() -> None:
    with torch.device("meta"):
        net = AutoencoderSupernet()
    assert sum(weight.numel() for weight in net.parameters()) == 183_507_712


def test_an_architecture_of_another_space_is_refused() -> None:
    other = CellSupernet(nodes=1, channels=2).space
    with pytest.raises(SpaceError, match="another search space"):
        make()(images(8, 8), other.architecture([0] * len(other)))


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"kernels": (2,)}, "odd"), ({"channels": (3, 3)}, "ascending"), ({"depth": 3}, "no such")],
)
def test_settings_out_of_range_are_named(settings: dict[str, object], message: str) -> None:
    with pytest.raises(SettingError, match=rf"network\.{next(iter(settings))}.*{message}"):
        AutoencoderSupernet(**settings)


@pytest.mark.long
@pytest.mark.parametrize("size", [(64, 64), (33, 47)])
def test_hundreds_of_architectures_of_the_whole_space_run_backward(size: tuple[int, int]) -> None:
    """A library's backward pass has crashed on sliced transposed convolutions of other layouts."""
    torch.manual_seed(0)
    net = AutoencoderSupernet()
    x = torch.rand(2, 3, *size)
    for architecture in sampled(net, 500):
        net.zero_grad(set_to_none=True)
        out = net(x, architecture)
        (out - x).square().mean().backward()
        gradients = [w.grad for w in net.parameters() if w.grad is not None]
        assert out.shape == x.shape and torch.isfinite(out).all()
        assert gradients and all(torch.isfinite(g).all() for g in gradients)
