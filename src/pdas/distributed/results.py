"""What a worker returned, or why it did not."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TypeVar

Result = TypeVar("Result")


def result_of(future: Future[Result]) -> Result:
    """The result of a call on any executor.

    Args:
        future: of the call. It is waited for.

    Raises:
        Exception: what the call raised. Ray wraps that in an error of its own, which is taken off.

    Example:
        result_of(executor.submit(pow, 2, 3))
    """
    try:
        return future.result()
    except Exception as error:
        cause = getattr(error, "cause", None)
        if type(error).__module__.startswith("ray.") and isinstance(cause, Exception):
            raise cause from error  # which has the traceback of the worker
        raise
