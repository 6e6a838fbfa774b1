"""How a rank ends that has failed: by itself.

At its exit Fabric closes NCCL, which has to be done by all ranks at the same time. So one that has
failed would wait for the others, and these for it, since they see that it is lost when it ends.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def ending_alone() -> Iterator[None]:
    """Within it, a rank with NCCL that fails ends at once, with its status.

    Example:
        with ending_alone():
            sys.exit(status_of_command())
    """
    try:
        yield
    except BaseException as error:
        if (isinstance(error, SystemExit) and not error.code) or not _would_wait():
            raise
        status = error.code if isinstance(error, SystemExit) else 1
        if not isinstance(error, SystemExit):
            traceback.print_exception(error)
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):  # nobody may read it any more
                stream.flush()
        os._exit(status if isinstance(status, int) else 1)


def _would_wait() -> bool:
    distributed = sys.modules.get("torch.distributed")  # not imported by light commands
    if distributed is None or not distributed.is_initialized():
        return False
    return bool(distributed.get_backend() == "nccl")
