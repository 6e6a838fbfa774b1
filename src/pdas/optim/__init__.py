"""Optimizers of architectures: numpy only, for any discrete black-box problem.

`base` is the protocol, `pdas` the paper's method. It is composed of `distribution` (theta),
`utility` (ranks of losses), `natural_gradient` (the direction) and `learning_rate` (the step).
`constrained` wraps it where architectures have a cost; `within` finds the best one under a limit.
"""

from pdas.optim.base import Optimizer
from pdas.optim.constrained import Limit, Limited, Penalised, Penalty
from pdas.optim.pdas import PDAS

__all__ = ["PDAS", "Limit", "Limited", "Optimizer", "Penalised", "Penalty"]
