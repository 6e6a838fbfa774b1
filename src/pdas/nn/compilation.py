"""The refusal to be compiled: a network with choices is another program for each architecture."""

from __future__ import annotations

import torch

from pdas.support.errors import NetworkError
from pdas.support.refusals import refuse


@torch.compiler.disable  # type: ignore[untyped-decorator]  # so that it runs, and is not traced
def refuse_compilation(what: str) -> None:
    """Refuse to be compiled, by an error that says what to compile instead.

    Args:
        what: names the module in the message.

    Raises:
        NetworkError: always.
    """
    refuse(
        NetworkError,
        what,
        found="it under torch.compile or torch.export",
        expected="a plain module, since every architecture would be compiled anew",
        remedy="compile net.derive(architecture) instead",
    )
