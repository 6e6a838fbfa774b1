"""Weights and multiply-adds of derived auto-encoders, by arithmetic.

Layer i of the chain has a convolution k x k from w_(i-1) channels to w_i, and in the decoder a
transposed one back, from w_(i+1) channels (the last layer's own, w_n) to w_i. Both apply their
whole weight once at every pixel of the layer's feature map.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pdas.space import Assignment
from pdas.spaces.autoencoders.space import OUTPUT_KERNEL, Layer, decode_chain, traversed


def count_weights(
    architecture: Assignment, image_channels: int, size: tuple[int, int] | None = None
) -> int:
    """Weights of an `AutoencoderNetwork`.

    Args:
        architecture: of the auto-encoder space, or its labels.
        image_channels: of the images.
        size: height and width of the images. Without it no layer is passed over, as with images
            that are large enough.
    """
    chain = decode_chain(architecture)
    if size is not None:
        chain = traversed(chain, *size)
    return sum(weights for weights, _ in _layers(chain, image_channels, size or (1, 1)))


def count_multiply_adds(
    architecture: Assignment, image_channels: int, size: tuple[int, int]
) -> int:
    """Multiply-adds of an `AutoencoderNetwork` for one image.

    Those at the zeros of a padding count, as is usual.

    Args:
        architecture: of the auto-encoder space, or its labels.
        image_channels: of the image.
        size: its height and width.
    """
    chain = traversed(decode_chain(architecture), *size)
    return sum(weights * pixels for weights, pixels in _layers(chain, image_channels, size))


def _layers(
    chain: Sequence[Layer], image_channels: int, size: tuple[int, int]
) -> Iterator[tuple[int, int]]:
    """Weights, and pixels at which they apply, of the output and of each layer of the chain."""
    height, width = size
    widths = [image_channels, *(layer.channels for layer in chain)]
    widths.append(widths[-1])  # the decoder begins with as many channels as the encoder ends with
    first = widths[1]
    yield OUTPUT_KERNEL**2 * first * image_channels, height * width
    for i, layer in enumerate(chain, start=1):
        if not layer.type.skip:
            height, width = -(-height // 2), -(-width // 2)
        weights = layer.type.kernel**2 * widths[i] * (widths[i - 1] + widths[i + 1])
        yield weights, height * width
