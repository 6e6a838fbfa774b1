"""Values as people read them."""

from __future__ import annotations

import pytest

from pdas.report.values import value_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "none"),
        ([], "none"),
        ([1, None, "a"], "1, none, a"),
        (9_999, "9999"),
        (10_000, "10,000"),
        (True, "True"),
        (0.123456, "0.1235"),
    ],
)
def test_a_value_is_text(value: object, text: str) -> None:
    assert value_text(value) == text
