"""PDAS, the paper's optimizer: numpy only.

`optimizer` is composed of `distribution` (theta), `utility` (ranks of losses), `natural_gradient`
(the direction), `eta` (the step) and `warm_start`.
"""

from pdas.methods.pdas.optimizer import PDAS

__all__ = ["PDAS"]
