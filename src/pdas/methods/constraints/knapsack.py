"""The most probable architecture whose additive cost is within a limit.

Every category has a loss, by how much its ln p is below that of its variable's most probable one,
and a cost above its variable's cheapest. The least sum of losses is sought whose sum of costs is
within the budget: a multiple-choice knapsack.

A multiplier lambda >= 0 prices the cost, so that each variable can be chosen by itself. The sum of
the least l + lambda c, less lambda times the budget, is a lower bound of all losses within the
budget; a category whose l + lambda c is above its variable's least adds that excess to the bound.
Under the best lambda few categories can belong to a better solution than the best one known.

Dynamic programming finds the best. The variables, the least decided ones first, are shared out to
two frontiers of partial choices, in which nothing is dominated in both cost and loss and nothing is
above the bound. After every step the frontiers are matched, with what is left as lambda chooses it.
So a very good solution is known soon, and the bound then stops nearly everything else.
"""

from __future__ import annotations

import numpy as np

from pdas.space.categories import first_least, starts
from pdas.support.arrays import BoolArray, FloatArray, IntArray

ROUNDING = 1e-12  # of sums of costs, relative to the limit; of sums of losses
LONGEST = 10_000  # partial choices of a frontier
BISECTIONS = 60
LARGEST = 1e100  # multiplier


def most_probable(
    theta: FloatArray, table: FloatArray, sizes: IntArray, constant: float, limit: float
) -> IntArray | None:
    """Category indices, shape (D,), of the greatest p_theta with a cost of at most `limit`.

    A cost that is over the limit by a 1e-12th of it, as from rounding, is within.

    Exact to rounding. Only where costs follow ln p to about 1e-5 in every category does a frontier
    reach `LONGEST`. Then its least promising choices are dropped, and ln p may be some 1e-6 below
    the greatest.

    Args:
        theta: probabilities, shape (sum K_i,), variable after variable.
        table: cost of each category, likewise.
        sizes: K_i, shape (D,).
        constant: the cost is this plus the entries of the chosen categories.
        limit: the largest cost.

    Returns:
        Shape (D,); None if no architecture within the limit has a probability above 0.
    """
    room = ceiling(limit) - constant
    possible = theta > 0
    cheapest = np.minimum.reduceat(np.where(possible, table, np.inf), starts(sizes))
    budget = room - cheapest.sum()
    if budget < 0:
        return None
    return _Knapsack(theta, table, sizes, cheapest, float(budget)).solve()


def ceiling(limit: float) -> float:
    """The largest sum of costs that counts as within the limit.

    Args:
        limit: the largest cost; a 1e-12th of it is left for rounding.
    """
    return limit + ROUNDING * abs(limit)


class _Knapsack:
    """Choose a category of every variable, with the least loss and a cost within the budget.

    `loss` and `cost`, shape (sum K_i,), are >= 0; the loss of what cannot be chosen is infinite.
    `chosen`, shape (D,), is the best solution known and `least` its loss.
    """

    def __init__(
        self,
        theta: FloatArray,
        table: FloatArray,
        sizes: IntArray,
        cheapest: FloatArray,
        budget: float,
    ) -> None:
        self.sizes, self.starts = sizes, starts(sizes)
        possible = theta > 0
        logs = np.log(np.where(possible, theta, 1.0))
        most = np.maximum.reduceat(np.where(possible, logs, -np.inf), self.starts)
        self.loss: FloatArray = np.where(possible, np.repeat(most, sizes) - logs, np.inf)
        self.cost: FloatArray = np.where(possible, table - np.repeat(cheapest, sizes), 0.0)
        self.budget = budget
        self.price, self.chosen = self._best_price()
        self.start = self.chosen  # what lambda chooses; the undecided variables are left at it
        self.least = float(self._of(self.loss, self.start).sum())
        values = self.loss + self.price * self.cost
        self.floor: FloatArray = np.minimum.reduceat(values, self.starts)
        # Less what rounding may do to it, which is little unless lambda is very large.
        self.bound = self.floor.sum() - self.price * budget * (1 + ROUNDING)

    def solve(self) -> IntArray:
        """The best category of every variable, shape (D,)."""
        values = self.loss + self.price * self.cost
        values[self.starts + first_least(values, self.sizes)] = np.inf
        runner_up = np.minimum.reduceat(values, self.starts) - self.floor
        undecided = np.ones(len(self.sizes), dtype=np.bool_)
        first, second = _Frontier(), _Frontier()
        # Least decided first: there is a good solution early, and its bound stops the rest.
        for i in np.argsort(runner_up).tolist():
            frontier = min(first, second, key=lambda f: len(f.cost))
            frontier.extend(i, self)
            if not len(frontier.cost):
                break  # nothing else can be better than the best known
            undecided[i] = False
            self._match(first, second, undecided)
        return self.chosen

    def worth(self, excess: FloatArray) -> BoolArray:
        """Whether solutions with this excess may be better than the best known."""
        may: BoolArray = self.bound + excess < self.least - ROUNDING
        return may

    def hopeful(self, i: int) -> IntArray:
        """The categories of variable i that may be in a solution better than the best known."""
        row = slice(self.starts[i], self.starts[i] + self.sizes[i])
        excess = self.loss[row] + self.price * self.cost[row] - self.floor[i]
        hopeful = np.flatnonzero((self.cost[row] <= self.budget) & self.worth(excess))
        kept = _undominated(self.cost[row][hopeful], self.loss[row][hopeful])
        return np.sort(hopeful[kept])

    def _match(self, first: _Frontier, second: _Frontier, undecided: BoolArray) -> None:
        """Take the best pair of partial choices if it is better than the best known solution."""
        room = self.budget - self._of(self.cost, self.start)[undecided].sum()
        loss = self._of(self.loss, self.start)[undecided].sum()
        # Costs ascend and losses descend in a frontier, so the best partner of each choice of the
        # first is the costliest one of the second that still fits.
        partners = np.searchsorted(second.cost, room - first.cost, side="right") - 1
        fitting = np.flatnonzero(partners >= 0)
        if not len(fitting):
            return
        losses = first.loss[fitting] + second.loss[partners[fitting]]
        k = fitting[losses.argmin()]
        if losses.min() + loss < self.least:
            self.least = float(losses.min() + loss)
            self.chosen = self.start.copy()
            first.write(int(k), self.chosen)
            second.write(int(partners[k]), self.chosen)

    def _best_price(self) -> tuple[float, IntArray]:
        """The best lambda, by bisection, and what it chooses, filled up to the budget."""
        if self._fits(free := self._priced(0.0)):
            return 0.0, free
        low, high = 0.0, min(1 / self.cost.max(), LARGEST)
        while not self._fits(self._priced(high)) and high < LARGEST:
            low, high = high, 2 * high
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            low, high = (low, middle) if self._fits(self._priced(middle)) else (middle, high)
        cheap, costly = self._priced(high), self._priced(low)
        if not self._fits(cheap):  # costs that are all but equal
            cheap = first_least(np.where(self.loss < np.inf, self.cost, np.inf), self.sizes)
        # A lower price never chooses a cheaper category.
        added = (self._of(self.cost, costly) - self._of(self.cost, cheap)).cumsum()
        room = self.budget - self._of(self.cost, cheap).sum()
        return high, np.where(added <= room, costly, cheap)

    def _priced(self, price: float) -> IntArray:
        return first_least(self.loss + price * self.cost, self.sizes)

    def _fits(self, chosen: IntArray) -> bool:
        return bool(self._of(self.cost, chosen).sum() <= self.budget)

    def _of(self, table: FloatArray, chosen: IntArray) -> FloatArray:
        entries: FloatArray = table[self.starts + chosen]
        return entries


class _Frontier:
    """Partial choices over some variables, none dominated: ascending cost, descending loss.

    At first it has one choice, over no variable.
    """

    def __init__(self) -> None:
        self.cost: FloatArray = np.zeros(1)
        self.loss: FloatArray = np.zeros(1)
        self._floor = 0.0
        self._steps: list[tuple[int, IntArray, IntArray]] = []

    def extend(self, i: int, knapsack: _Knapsack) -> None:
        """Decide variable i as well, keeping what can lead to a better solution."""
        categories = knapsack.hopeful(i)
        row = knapsack.starts[i] + categories
        parents = np.repeat(np.arange(len(self.cost)), len(row))
        categories = np.tile(categories, len(self.cost))
        self.cost = np.add.outer(self.cost, knapsack.cost[row]).ravel()
        self.loss = np.add.outer(self.loss, knapsack.loss[row]).ravel()
        self._floor += float(knapsack.floor[i])
        self._steps.append((i, parents, categories))
        excess = self.loss + knapsack.price * self.cost - self._floor
        self._keep(np.flatnonzero((self.cost <= knapsack.budget) & knapsack.worth(excess)))
        self._keep(_undominated(self.cost, self.loss))
        if len(self.cost) > LONGEST:
            excess = self.loss + knapsack.price * self.cost
            self._keep(np.sort(np.argpartition(excess, LONGEST)[:LONGEST]))

    def write(self, k: int, indices: IntArray) -> None:
        """Write the categories of choice k into `indices`, shape (D,)."""
        for i, parent, category in reversed(self._steps):
            indices[i] = category[k]
            k = int(parent[k])

    def _keep(self, kept: IntArray) -> None:
        self.cost, self.loss = self.cost[kept], self.loss[kept]
        i, parents, categories = self._steps.pop()
        self._steps.append((i, parents[kept], categories[kept]))


def _undominated(cost: FloatArray, loss: FloatArray) -> IntArray:
    """Which are cheaper than all of less loss, or of equal loss to rounding; ascending cost."""
    order: IntArray = np.lexsort((loss, cost))  # by cost, and among equal costs by loss
    steps = np.floor(loss[order] / ROUNDING)
    before = np.minimum.accumulate(np.concatenate([[np.inf], steps]))[:-1]
    return order[steps < before]
