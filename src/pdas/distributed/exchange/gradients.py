"""Gradients added up over ranks.

By hand, and not by the wrapper of torch's DDP, which needs exactly one forward pass before each
backward pass. A loss may run a network several times, and a rank may have no loss to run backward.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn

from pdas.distributed.exchange.messages import exchanging


def used_weights(parameters: Iterable[nn.Parameter]) -> bytes:
    """A bit for each parameter that is trained: whether it has a gradient."""
    used = [p.grad is not None for p in parameters if p.requires_grad]
    return np.packbits(np.array(used, bool)).tobytes()


def gradients_used(parameters: Iterable[nn.Parameter], used: Sequence[bytes]) -> list[Tensor]:
    """The gradients of the parameters that some rank has used; zeros where this one has not.

    Args:
        parameters: the same on all ranks.
        used: the `used_weights` of each.
    """
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    union = np.bitwise_or.reduce([np.frombuffer(each, np.uint8) for each in used])
    gradients = []
    for parameter, is_used in zip(trained, np.unpackbits(union, count=len(trained)), strict=True):
        if not is_used:
            continue
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
        gradients.append(parameter.grad)
    return gradients


def add_up(tensors: Sequence[Tensor]) -> None:
    """Add up tensors over all ranks in place, in one message for each dtype.

    Args:
        tensors: on the device; as many, of the same shapes and dtypes, on each rank.

    Raises:
        RankError: a rank ended or does not answer.
    """
    for dtype in sorted({tensor.dtype for tensor in tensors}, key=str):
        of_dtype = [tensor for tensor in tensors if tensor.dtype == dtype]
        flat = torch.cat([tensor.reshape(-1) for tensor in of_dtype])
        with exchanging():
            dist.all_reduce(flat, dist.ReduceOp.SUM)
        sums = torch.split(flat, [tensor.numel() for tensor in of_dtype])
        shaped = [each.view(t.shape) for t, each in zip(of_dtype, sums, strict=True)]
        torch._foreach_copy_(of_dtype, shaped)
