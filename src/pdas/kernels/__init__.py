"""Compiled operators for networks on CPUs; torch's own wherever they do not serve.

`building` makes the library of `cpp/` or finds it, `library` loads it once in a process,
`operators` and `gradients` tell torch its shapes and gradients, `conditions` says what it can be
applied to, and `choice` sets whether the blocks of a network use it.
"""

from pdas.kernels.choice import Kernels, WithKernels, choose_kernels

__all__ = ["Kernels", "WithKernels", "choose_kernels"]
