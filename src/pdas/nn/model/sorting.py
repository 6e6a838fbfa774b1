"""The order of channels: the first ones, which every architecture has, are those that matter."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn

from pdas.nn.choices.value import Value
from pdas.nn.elastic.base import Elastic
from pdas.nn.elastic.weight import ElasticWeight
from pdas.nn.modes import in_evaluation_mode
from pdas.nn.supernet import Supernet
from pdas.nn.widths import Segment, Width, placed_segments
from pdas.support.errors import NetworkError, SettingError
from pdas.support.refusals import refuse

Loss = Callable[[Any, Any], Any]
Importance = Callable[["_Use"], Tensor]
TOLERANCE = 1e-3  # relative, between the loss before and after


def sort_channels(
    net: Supernet, by: Literal["norm"] | Loss = "norm", batches: Iterable[Any] | None = None
) -> None:
    """Sort the channels of every chosen width, in place, so that a slice keeps what matters.

    All layers of a width are sorted in the same way, so that the widest architecture computes the
    same, to rounding. Channels that a layer takes in groups stay together. What is in no layer of
    `pdas.nn` is not sorted: with a parameter of your own that has a value for each channel, or a
    shuffle of channels, the network computes something else afterwards. Sorting by a loss finds
    that out.

    Args:
        net: with weights that are trained.
        by: "norm": a channel matters by the norms of its weights, squared, each in proportion to
            the mean of its layer. Or a loss, `loss(model, batch)` as of `pdas.search`: it matters
            by the square of the sum of gradient times weight, which is what it adds to the loss to
            first order (Molchanov et al., 2019, "Importance estimation for neural network pruning",
            equation 8).
        batches: for the loss, at least one.

    Raises:
        SettingError: `by` is none of these, or there are no batches for a loss.
        NetworkError: the widest architecture has another loss afterwards. All is then as before.

    Example:
        pdas.nn.sort_channels(net)
        pdas.nn.sort_channels(net, by=loss, batches=loader)
    """
    uses = list(_uses(net.module))
    if by == "norm":
        _permute(uses, _orders(uses, _by_norm))
        return
    if not callable(by):
        refuse(SettingError, "by", found=repr(by), expected="'norm' or a loss")
    kept = list(batches or ())
    if not kept:
        refuse(SettingError, "batches", found="none", expected="at least one, to sort by a loss")
    with in_evaluation_mode(net):  # without the noise of dropout
        _sort_by_loss(net, by, kept, uses)


def _sort_by_loss(net: Supernet, loss: Loss, batches: Sequence[Any], uses: list[_Use]) -> None:
    """Sort, and take it back if the loss is another then."""
    model = partial(net, architecture=net.largest)
    importance, before = _by_loss(net, partial(loss, model), batches, uses)
    orders = _orders(uses, importance)
    _permute(uses, orders)
    with torch.no_grad():
        after = sum(float(_scalar(loss(model, batch))) for batch in batches) / len(batches)
    if not math.isclose(before, after, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
        _permute(uses, {name: order.argsort() for name, order in orders.items()})
        refuse(
            NetworkError,
            "sort_channels",
            found=f"a loss of {after:.4g} afterwards, and {before:.4g} before",
            expected="the same of the widest architecture",
            remedy="put what has a value for each channel into layers of pdas.nn",
        )


@dataclass(frozen=True)
class _Use:
    """A segment of a dimension of a tensor, that a choice decides.

    Attributes:
        choice: its `Value`.
        layer: that has the tensor.
        name: of the tensor there.
        dim, start: where the segment is.
        factor: channels for each unit of the choice.
        together: how many consecutive units must stay together.
    """

    choice: Value
    layer: Elastic
    name: str
    dim: int
    start: int
    factor: int
    together: int

    @property
    def units(self) -> int:
        """How many there are in the widest."""
        return max(int(label) for label in self.choice.variable.categories)

    @property
    def weight(self) -> ElasticWeight | None:
        """The tensor, if it is a weight and no buffer."""
        return dict(self.layer.weights()).get(self.name)

    def by_unit(self, whole: Tensor) -> Tensor:
        """The segment of the tensor, `(units, numbers of a unit)`."""
        segment = whole.narrow(self.dim, self.start, self.units * self.factor)
        return segment.movedim(self.dim, 0).reshape(self.units, -1)

    def permute(self, order: Tensor) -> None:
        """Sort the units."""
        whole = self.layer.get_buffer(self.name) if self.weight is None else self.weight.whole()
        channels = (
            order[:, None] * self.factor + torch.arange(self.factor, device="cpu")
        ).flatten()
        index = torch.arange(whole.shape[self.dim], device="cpu")
        index[self.start : self.start + len(channels)] = self.start + channels
        permuted = whole.index_select(self.dim, index.to(whole.device))
        if self.weight is None:
            whole.copy_(permuted)
        else:
            self.weight.load(permuted)


def _uses(module: nn.Module) -> Iterator[_Use]:
    """All segments of weights and buffers that choices decide, of each tensor once."""
    seen: set[int] = set()
    for layer in module.modules():
        if not isinstance(layer, Elastic):
            continue
        tensors = dict(layer.buffers_with_widths())
        for name, weight in layer.weights():
            if id(weight) not in seen:  # as a tied one would be
                seen.add(id(weight))
                tensors[name] = weight.widths
        for name, widths in tensors.items():
            for dim, width in enumerate(widths):
                yield from _uses_of(layer, name, dim, width)


def _uses_of(layer: Elastic, name: str, dim: int, width: Width) -> Iterator[_Use]:
    """The segments of one dimension."""
    for start, segment in placed_segments(width):
        if segment.choice is not None and segment.power == 1:
            together = _together(layer.channels_together(width), start, segment)
            yield _Use(segment.choice, layer, name, dim, start, segment.factor, together)


def _together(channels: int, start: int, segment: Segment) -> int:
    """Units of a segment that stay together, where so many channels of the dimension do."""
    size = segment.sizes[-1]
    if start % channels or size % channels:  # some would stay with channels of other segments
        return size // segment.factor
    return channels // math.gcd(channels, segment.factor)


@torch.no_grad()
def _by_norm(use: _Use) -> Tensor:
    """The squared norm of each unit, by their mean; 0 of what has one number for each channel."""
    weight = use.weight
    whole = None if weight is None else weight.whole()
    if whole is None or whole.dim() < 2:
        return torch.zeros(use.units, device="cpu")
    squares = use.by_unit(whole.double()).square().sum(1)
    return squares / squares.mean().clamp_min(torch.finfo(torch.float64).tiny)


def _by_loss(
    net: Supernet, loss: Callable[[Any], Any], batches: Sequence[Any], uses: Sequence[_Use]
) -> tuple[Importance, float]:
    """What each unit of a use adds to the loss, to first order; and the mean loss."""
    sums = {use: torch.zeros(use.units, dtype=torch.float64, device="cpu") for use in uses}
    total = 0.0
    weights = [weight for weight in net.parameters() if weight.requires_grad]
    for batch in batches:
        value = _scalar(loss(batch))
        gradients = torch.autograd.grad(value, weights, allow_unused=True)
        by_weight = dict(zip(weights, gradients, strict=True))
        for use in uses:
            if use.weight is not None:
                blocks = use.weight.named_parameters()
                products = {name: _product(block, by_weight.get(block)) for name, block in blocks}
                whole = use.weight.whole(products)
                sums[use] += use.by_unit(whole.double()).sum(1).square().cpu()
        total += float(value.detach())
    return sums.__getitem__, total / len(batches)


def _product(weight: Tensor, gradient: Tensor | None) -> Tensor:
    """Gradient times weight; 0 of a weight that is frozen or not used."""
    return torch.zeros_like(weight) if gradient is None else weight.detach() * gradient


def _orders(uses: Sequence[_Use], importance: Importance) -> dict[str, Tensor]:
    """By variable its units, the most important first, those that stay together as one."""
    by_name: dict[str, list[_Use]] = {}
    for use in uses:
        by_name.setdefault(use.choice.variable.name, []).append(use)
    orders = {}
    for name, own in by_name.items():
        together = math.lcm(*(use.together for use in own))
        total = torch.stack([importance(use).double().cpu() for use in own]).sum(0)
        groups = total.view(-1, together).sum(1).argsort(descending=True, stable=True)
        orders[name] = (groups[:, None] * together + torch.arange(together, device="cpu")).flatten()
    return orders


@torch.no_grad()
def _permute(uses: Sequence[_Use], orders: Mapping[str, Tensor]) -> None:
    """Sort the units of all tensors."""
    for use in uses:
        use.permute(orders[use.choice.variable.name])


def _scalar(value: Any) -> Tensor:
    """The loss of what a loss gives."""
    scalar: Tensor = value["loss"] if isinstance(value, Mapping) else value
    return scalar
