"""Optimizers of architectures: numpy only, for any discrete black-box problem.

`base` is the protocol, `pdas` the paper's method. It is composed of `distribution` (theta),
`utility` (ranks of losses), `natural_gradient` (the direction) and `learning_rate` (the step).
Where architectures have a cost, `limit` and `penalty` wrap it (`wrapper`). Under a limit `knapsack`
finds the most probable one of an additive cost, and `local_search` a cheap one of any other.
"""

from pdas.optim.base import Optimizer
from pdas.optim.limit import Limit, Limited
from pdas.optim.pdas import PDAS
from pdas.optim.penalty import Penalised, Penalty

__all__ = ["PDAS", "Limit", "Limited", "Optimizer", "Penalised", "Penalty"]
