"""A weight whose widths are choices, and what every layer with such weights has."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pdas.nn.choices.value import Width, selected_value, widths_of
from pdas.nn.sliced import SlicedWeight


class ElasticWeight(SlicedWeight):
    """A weight of which the slice of the selected widths is used.

    Args:
        whole: the initial weight of the widest.
        widths: of its first dimensions.

    Attributes:
        widths: the same.

    Example:
        weight = ElasticWeight(torch.randn(32, 16), Value("out", [8, 32]), 16)
        weight.selected()  # (8, 16) or (32, 16)
    """

    def __init__(self, whole: Tensor, *widths: Width) -> None:
        super().__init__(whole, *map(widths_of, widths))
        # A tuple hides them from `nn.Module`, so that the layer alone has them as its children.
        self.widths = widths

    def selected(self) -> Tensor:
        """The slice of the selected widths."""
        return self.forward(*map(selected_value, self.widths))


class ElasticLayer(nn.Module):
    """A layer of elastic weights, and the plain layer that it stands for.

    Attributes:
        weight, bias: the weights, or None where the layer has none.

    Example:
        class Linear(ElasticLayer): ...  # see `pdas.nn.elastic.layers`
    """

    weight: ElasticWeight | None
    bias: ElasticWeight | None

    def __init__(self) -> None:
        super().__init__()
        # Moved along with the module, so that a layer without weights knows device and precision.
        self.register_buffer("_like", torch.empty(0), persistent=False)

    def plain(self) -> nn.Module:
        """A plain layer of the selected widths, with fresh weights."""
        raise NotImplementedError

    @torch.no_grad()
    def derived(self) -> nn.Module:
        """The plain layer of the selected widths, with these weights."""
        layer = self.plain().train(self.training).to(self.get_buffer("_like"))
        for name, elastic in (("weight", self.weight), ("bias", self.bias)):
            if elastic is not None:
                weight = layer.get_parameter(name)
                weight.copy_(elastic.selected())
                weight.requires_grad_(any(block.requires_grad for block in elastic.parameters()))
        return layer


def elastic_weight(whole: Tensor | None, *widths: Width) -> ElasticWeight | None:
    """A weight with its widths; None if there is no weight.

    Args:
        whole: the weight of the widest.
        widths: of its first dimensions.
    """
    return None if whole is None else ElasticWeight(whole, *widths)


def selected_weight(weight: ElasticWeight | None) -> Tensor | None:
    """The selected slice of a weight; None if there is no weight.

    Args:
        weight: of a layer.
    """
    return None if weight is None else weight.selected()
