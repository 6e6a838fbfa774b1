"""Compiled operators for networks on CPUs; torch's own wherever they do not serve.

`building` makes the library of `cpp/` or finds it, `library` loads it once in a process,
`operators` and `gradients` are how its operators are called and differentiated, `conditions` says
what they can be applied to, and `choice` sets whether the blocks of a network use them.
"""

from pdas.kernels.choice import Kernels, WithKernels, choose_kernels

__all__ = ["Kernels", "WithKernels", "choose_kernels"]
