"""YAML from someone else gives plain values, or one line."""

from __future__ import annotations

import pytest

from pdas.support.plain_data import safe_yaml

LAUGHS = "\n".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10))


@pytest.mark.parametrize(
    "text",
    [
        "a0: &a0 [lol]\n" + LAUGHS,
        "&a [*a]",
        "a: &a {b: 1}\nc: {<<: *a}",
        "[" * 40_000,
        "!!python/object/apply:os.system [true]",
        "!!python/name:os.system",
        "2020-13-45",
        "{[1]: 2}",
        "a: 1\n---\nb: 2",
        "9" * 5000,
        "x" * 200_000,
        "\0",
        "!!int a",
        "!!binary a",
        "- <<: 1",
        "0x_",
        "0b_",
        ".e",
        "1:99999999999999999999:1e5",
        "a: 1\na: 2",
        "{<<: {a: 1}, a: 2}",
        "!!timestamp foo",
        ":".join(["1"] * 250) + ":1.5",
    ],
)
def test_yaml_that_is_none_or_unsafe_is_one_line(text: str) -> None:
    try:
        value = safe_yaml(text)
    except ValueError as error:
        assert "\n" not in str(error)
    else:
        assert value is None or isinstance(value, str | int | float | list | dict)


def test_yaml_gives_plain_values() -> None:
    assert safe_yaml("{a: [1, 2.5, x, null, true]}") == {"a": [1, 2.5, "x", None, True]}
    assert safe_yaml("") is None
