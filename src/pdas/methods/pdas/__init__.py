"""PDAS, the paper's optimizer: numpy only.

`optimizer` is composed of `distribution` (theta), `utility` (ranks of losses), `natural_gradient`
(the direction), `eta` (the step) and `warm_start`; `method` gives it its name.
"""

from pdas.methods.pdas import method as method  # registers it
