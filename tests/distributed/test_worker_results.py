"""What a worker returned, or why it did not."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

import pytest

from pdas.distributed.results import result_of
from pdas.support.errors import SettingError


def ended(error: BaseException | None = None) -> Future[Any]:
    future: Future[Any] = Future()
    if error is None:
        future.set_result(8)
    else:
        future.set_exception(error)
    return future


def wrapped(cause: object, module: str) -> Exception:
    """An error with a cause, as that of a module."""
    kind = type("RayTaskError", (Exception,), {"__module__": module})
    error: Exception = kind("a traceback of many lines")
    error.cause = cause  # type: ignore[attr-defined]
    return error


def test_a_result_is_itself() -> None:
    assert result_of(ended()) == 8


@pytest.mark.parametrize("cause", [SettingError("search.epochs: found 0"), KeyError("a")])
def test_an_error_of_ray_is_its_cause_with_the_traceback_of_the_worker(cause: Exception) -> None:
    error = wrapped(cause, "ray.exceptions")
    with pytest.raises(type(cause)) as raised:
        result_of(ended(error))
    assert raised.value is cause and cause.__cause__ is error


@pytest.mark.parametrize(
    "error",
    [wrapped(None, "ray.exceptions"), wrapped(KeyError("a"), "mine"), ValueError("plain")],
)
def test_other_errors_are_raised_as_they_are(error: Exception) -> None:
    with pytest.raises(type(error)) as raised:
        result_of(ended(error))
    assert raised.value is error
