"""A weight whose widths are choices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

import torch
from torch import Tensor, nn

from pdas.nn.conditions import Conditions
from pdas.nn.sliced import BlockedWeight, Plan
from pdas.nn.widths import Width, choices_of, pieces_of, same_width, width_text
from pdas.support.errors import NetworkError
from pdas.support.refusals import refuse


class ElasticWeight(BlockedWeight):
    """A weight of which the part of the selected widths is used.

    Its layer saves and loads it as one tensor, that of the widest.

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
        self._pieces = tuple(map(pieces_of, widths))
        ranges = ([(piece.start, piece.stop) for piece in pieces] for pieces in self._pieces)
        super().__init__(whole, *ranges)
        # Tuples hide them from `nn.Module`, so that the layer alone has them as its children.
        self.widths = widths
        self._choices = tuple({id(c): c for width in widths for c in choices_of(width)}.values())
        # By the selected categories: to ask each piece takes time.
        self._plans: dict[tuple[int | None, ...], Plan] = {}

    @property
    def is_selected(self) -> bool:
        """Whether an architecture is selected now."""
        for choice in self._choices:  # no generator, since every reading asks
            if choice.category is None and not choice.is_selected:
                return False
        return True

    def check_selected(self) -> None:
        """Say why, where no architecture is selected.

        Raises:
            NetworkError: none is.
        """
        for choice in self._choices:
            if not choice.is_selected:
                choice.selected  # noqa: B018  # which raises it

    def selected(self) -> Tensor:
        """The part of the selected widths.

        It asks for gradients as a weight of the derived network does, also where none are computed:
        by that PyTorch chooses among products that round differently.
        """
        plan = self._selected_plan()
        selected = self.put_together(plan)
        if plan.joints and not torch.is_grad_enabled():
            selected.requires_grad = any([self._parameters[n].requires_grad for n in plan.names])  # type: ignore[union-attr]
        return selected

    def selected_blocks(self) -> tuple[nn.Parameter, ...]:
        """The blocks of that part."""
        return tuple(map(self.get_parameter, self._selected_plan().names))

    def conditions(self) -> Iterator[tuple[nn.Parameter, Conditions]]:
        """Each block with the conditions under which it is used."""
        by_start = [{piece.start: piece for piece in pieces} for pieces in self._pieces]
        for block, cut in self.blocks():
            together = Conditions()
            for known, (start, _) in zip(by_start, cut, strict=True):
                together = together & known[start].conditions
            yield block, together

    @torch.no_grad()
    def load(self, whole: Tensor, *, assign: bool = False) -> None:
        """Take the numbers of a weight of the widest.

        Args:
            whole: of the shape of `whole()`.
            assign: take its precision and its device, too.
        """
        for (name, block), (_, cut) in zip(
            list(self.named_parameters()), list(self.blocks()), strict=True
        ):
            part = whole[tuple(slice(*r) for r in cut)]
            if assign:
                self.register_parameter(name, nn.Parameter(part.clone(), block.requires_grad))
            else:
                block.copy_(part)

    def tied(self, other: Any, where: str) -> ElasticWeight:
        """What stands for this weight once another one was assigned to its layer.

        Args:
            other: the weight of another layer.
            where: names the weight for a message.

        Raises:
            NetworkError: the other weight has other widths.
        """
        if isinstance(other, ElasticWeight):
            pairs = zip(self.widths, other.widths, strict=False)
            same = len(self.widths) == len(other.widths) and all(same_width(*p) for p in pairs)
            if not same:
                self._refuse(where, _widths(other.widths))
            return other
        blocks = list(self._parameters)
        shape = getattr(other, "shape", None)
        if isinstance(other, nn.Parameter) and len(blocks) == 1 and shape == self.whole().shape:
            self.register_parameter(blocks[0], other)
            return self
        self._refuse(where, type(other).__name__ if shape is None else _widths(shape))

    def _refuse(self, where: str, found: str) -> NoReturn:
        refuse(
            NetworkError,
            where,
            found=f"a weight of {found}",
            expected=f"one of the same widths, {_widths(self.widths)}, since a tied weight is one",
            remedy="tie layers of the same widths, both of pdas.nn",
        )

    def _selected_plan(self) -> Plan:
        known = self._plans.get(tuple([choice.category for choice in self._choices]))
        if known is not None:
            return known
        # The first time, or in a recomputation, whose categories only `selected` knows.
        key = tuple([choice.selected for choice in self._choices])
        if key not in self._plans:
            used = ([i for i, p in enumerate(each) if p.is_used] for each in self._pieces)
            self._plans[key] = self.plan(*used)
        return self._plans[key]

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        whole = self.whole()
        destination[prefix.removesuffix(".")] = whole if keep_vars else whole.detach()

    def _load_from_state_dict(self, *args: Any) -> None:
        """Nothing: the layer does it, since the name of a weight is a key of the layer's."""


def _widths(widths: Sequence[Any]) -> str:
    """Widths as a person writes them."""
    return f"({', '.join(map(width_text, widths))})"
