"""Under which categories something is used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pdas.space import Architecture
from pdas.support.arrays import BoolArray


class Conditions(Mapping[str, BoolArray]):
    """By the name of a variable, the categories with which something is used, bool `(K,)`.

    All must hold. A variable that is not named does not matter. Immutable and hashable.
    """

    def __init__(self, masks: Mapping[str, BoolArray] | None = None) -> None:
        self._masks = dict(masks or {})
        self._key = frozenset((name, mask.tobytes()) for name, mask in self._masks.items())

    def __and__(self, other: Mapping[str, BoolArray]) -> Conditions:
        """Where both hold."""
        masks = dict(self._masks)
        for name, mask in other.items():
            masks[name] = masks[name] & mask if name in masks else mask
        return Conditions(masks)

    def hold(self, architecture: Architecture) -> bool:
        """Whether an architecture meets all of them."""
        indices, space = architecture.indices, architecture.space
        return all(mask[indices[space.position(name)]] for name, mask in self._masks.items())

    def __getitem__(self, name: str) -> BoolArray:
        return self._masks[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._masks)

    def __len__(self) -> int:
        return len(self._masks)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Conditions) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)
