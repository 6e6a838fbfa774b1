from __future__ import annotations

import pytest

from pdas.support.errors import reason


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError("one\n  two\tthree "), "one two three"),
        (KeyError(), "KeyError"),
        (RuntimeError(" \n"), "RuntimeError"),
    ],
)
def test_the_reason_of_an_error_is_one_line(error: Exception, expected: str) -> None:
    assert reason(error) == expected


def test_a_long_reason_is_cut() -> None:
    assert reason(ValueError("x" * 500)) == "x" * 200
    assert reason(ValueError("x" * 500), most=5) == "xxxxx"
