"""Whether something belongs to a search space, asked in one place."""

from __future__ import annotations

from pdas.space.architecture import Architecture
from pdas.space.search_space import SearchSpace
from pdas.support.errors import PdasError, SpaceError, short, shortened
from pdas.support.refusals import refuse

MAKE_IT = "make it with space.architecture(...)"


def check_architecture(
    what: str,
    architecture: object,
    space: SearchSpace,
    kind: type[PdasError] = SpaceError,
    remedy: str = MAKE_IT,
) -> None:
    """Raise an error unless something is an architecture of a space.

    Args:
        what: how the message names it, as "tell" or "initial".
        architecture: what was found.
        space: the search space.
        kind: the exception.
        remedy: what the user can do about it.

    Raises:
        PdasError: of `kind`, if it is no architecture or one of another space.

    Example:
        >>> space = SearchSpace({"op": ["conv3", "conv5"]})
        >>> check_architecture("architecture", space.architecture({"op": "conv3"}), space)
    """
    if not isinstance(architecture, Architecture):
        found = f"{short(architecture)}, no architecture"
        refuse(kind, what, found=found, expected="an architecture of this space", remedy=remedy)
    check_space(what, architecture, space, kind, remedy)


def check_space(
    what: str,
    thing: object,
    space: SearchSpace,
    kind: type[PdasError] = SpaceError,
    remedy: str = "make both from the same network or space",
) -> None:
    """Raise an error unless a thing that has a `space`, as a cost or an optimizer, has this one.

    Args:
        what: how the message names it, as "limit.cost".
        thing: with an attribute `space`.
        space: the expected search space.
        kind: the exception.
        remedy: what the user can do about it.

    Raises:
        PdasError: of `kind`, if its space is another one.
    """
    its_space = getattr(thing, "space", None)
    if its_space is space or its_space == space:  # nearly always the first, which is fast
        return
    name = "an architecture" if isinstance(thing, Architecture) else type(thing).__name__
    refuse(
        kind,
        what,
        found=f"{name} of another search space",
        expected=f"that of the variables {shortened(space.names)}",
        remedy=remedy,
    )
