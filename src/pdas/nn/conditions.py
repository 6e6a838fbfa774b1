"""Under which categories something is used, and the sums over several such cases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from pdas.space import Architecture, SearchSpace
from pdas.support.arrays import BoolArray, FloatArray
from pdas.support.errors import NetworkError
from pdas.support.refusals import refuse

MOST_JOINT_CASES = 10  # n of them make 2**n - 1 terms


class Conditions(Mapping[str, BoolArray]):
    """By the name of a variable, the categories with which something is used, bool `(K,)`.

    All must hold. A variable that is not named does not matter. Immutable and hashable.

    Args:
        categories: by variable, whether the thing is used with each category; default none.

    Example:
        Conditions({"op": np.array([True, False])})  # only with the first category of "op"
    """

    def __init__(self, categories: Mapping[str, BoolArray] | None = None) -> None:
        self._categories = dict(categories or {})
        self._key = frozenset((name, used.tobytes()) for name, used in self._categories.items())

    def __and__(self, other: Mapping[str, BoolArray]) -> Conditions:
        """The conditions under which both hold.

        Args:
            other: conditions, of the same variables or of others.
        """
        both = dict(self._categories)
        for name, used in other.items():
            both[name] = both[name] & used if name in both else used
        return Conditions(both)

    def hold(self, architecture: Architecture) -> bool:
        """Whether an architecture meets all conditions.

        Args:
            architecture: of a space with all these variables.
        """
        indices, space = architecture.indices, architecture.space
        return all(used[indices[space.position(name)]] for name, used in self._categories.items())

    def factors(self, space: SearchSpace) -> dict[int, FloatArray]:
        """The conditions as a product of zeros and ones, one factor for each variable.

        Args:
            space: with all these variables.

        Returns:
            By the position of a variable in the space, float `(K_i,)`.
        """
        return {space.position(name): used.astype(float) for name, used in self.items()}

    def __getitem__(self, name: str) -> BoolArray:
        return self._categories[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._categories)

    def __len__(self) -> int:
        return len(self._categories)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Conditions) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


def activated(architecture: Architecture, conditions: Mapping[str, BoolArray]) -> Architecture:
    """An architecture with as few changes as it takes for conditions to hold.

    Args:
        architecture: of a space with all their variables.
        conditions: which some architecture meets.
    """
    indices, space = architecture.indices.copy(), architecture.space
    for name, used in conditions.items():
        position = space.position(name)
        if not used[indices[position]]:
            indices[position] = used.argmax()  # the first category that meets them
    return space.architecture(indices)


def signed_cases(cases: Sequence[Conditions]) -> Iterator[tuple[int, Conditions]]:
    """The indicator "at least one of the cases holds" as a sum of signed products.

    Args:
        cases: the conditions of each case; at least one.

    Returns:
        pairs of 1 or -1 and conditions. For any architecture, the signs of those that hold add up
        to 1 if one of the cases holds, else to 0.

    Raises:
        NetworkError: too many cases depend on several variables each.
    """
    if not all(cases):  # one without conditions always holds
        yield 1, Conditions()
        return
    single, joint = _split(cases)
    # 1 - product(1 - single case): categories of one variable exclude each other, so that each
    # variable is one factor, however many cases there are.
    no_single = Conditions({name: ~used for name, used in single.items()})
    if single:
        yield 1, Conditions()
        yield -1, no_single
    if len(joint) > MOST_JOINT_CASES:
        refuse(
            NetworkError,
            "cost",
            found=f"a module in {len(joint)} places under several choices each",
            expected=f"at most {MOST_JOINT_CASES}",
            remedy="give some of them modules of their own",
        )
    for number in range(1, len(joint) + 1):  # inclusion and exclusion
        for chosen in combinations(joint, number):
            together = no_single
            for case in chosen:
                together = together & case
            yield (-1) ** (number + 1), together


def _split(cases: Sequence[Conditions]) -> tuple[dict[str, BoolArray], list[Conditions]]:
    """The cases of a single variable, joined for each; and the others, each once."""
    single: dict[str, BoolArray] = {}
    joint: list[Conditions] = []
    for case in cases:
        if len(case) == 1:
            ((name, used),) = case.items()
            single[name] = used | single[name] if name in single else used
        elif case not in joint:
            joint.append(case)
    return single, joint
