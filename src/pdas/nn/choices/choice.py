"""A choice among modules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from pdas.nn.choices.attributes import PassesAttributes
from pdas.nn.choices.choice_point import Copy
from pdas.space import Label
from pdas.support.errors import NetworkError
from pdas.support.refusals import refuse


class Choice(PassesAttributes):
    """One of several modules.

    It is called as each of them is. Candidates may hold choices of their own, whose variables count
    only where the candidate is taken. In a call it has the attributes of the selected candidate.

    Args:
        name: of the variable.
        candidates: the modules by label.

    Raises:
        NetworkError: a candidate is no module.
        SpaceError: the name or a label is none that a variable can have.

    Example:
        self.act = pdas.nn.Choice("act", {"relu": nn.ReLU(), "tanh": nn.Tanh()})
    """

    def __init__(self, name: str, candidates: Mapping[Label, nn.Module]) -> None:
        if not isinstance(candidates, Mapping):
            refuse(
                NetworkError,
                f"Choice({name!r})",
                found=type(candidates).__name__,
                expected="candidates by label, as {'relu': nn.ReLU(), 'tanh': nn.Tanh()}",
            )
        count = len(candidates)
        one_hot = [[i == j for j in range(count)] for i in range(count)]
        super().__init__(name, list(candidates), list(candidates.values()), one_hot)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The output of the selected candidate, which gets all arguments."""
        return self.candidate(self.selected)(*args, **kwargs)

    def derived(self, copy: Copy) -> nn.Module:
        """A copy of the selected candidate."""
        return copy(self.candidate(self.selected))

    def passed_on(self, name: str) -> Any:
        """Of the selected candidate.

        Args:
            name: of the attribute.

        Raises:
            AttributeError: it has none, or no candidate is selected.
        """
        if not self.is_selected:
            remedy = "read it during a call of its supernet, or of a candidate"
            raise self.no_attribute(name, "no candidate selected", remedy)
        return getattr(self.candidate(self.selected), name)
