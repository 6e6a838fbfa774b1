"""How a search learns. Optimizers are numpy only, for any discrete black-box problem.

`optimizer` is their protocol, `pdas` the paper's method. Where architectures have a cost,
`constraints` wrap an optimizer. `sampled` is Algorithm 1 for any of them.
"""

from pdas.methods.constraints.limit import Limit
from pdas.methods.constraints.limited import Limited
from pdas.methods.constraints.penalty import Penalised, Penalty
from pdas.methods.optimizer import Optimizer
from pdas.methods.pdas.optimizer import PDAS

__all__ = ["PDAS", "Limit", "Limited", "Optimizer", "Penalised", "Penalty"]
