"""Search by gradients on a mixture of all candidates: DARTS, and the relaxation of the variables.

`mixture_search` is the search method; `second_order` has the gradient that looks one step ahead;
`method` gives the names, and needs no torch.
"""

from pdas.methods.darts import method as method  # registers them
