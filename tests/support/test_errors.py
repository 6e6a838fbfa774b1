from __future__ import annotations

import pickle

import pytest

from pdas.support.errors import (
    DataError,
    PdasError,
    PdasWarning,
    RunError,
    clipped,
    printable,
    reason,
    short,
)


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


def test_a_long_text_is_clipped_as_it_is_printed() -> None:
    assert clipped("0123456", most=7) == "0123456"
    assert clipped("0123456789", most=7) == "01...89"
    assert clipped("\x1b" * 3, most=12) == r"\x1b\x1b\x1b"
    assert clipped("\x1b" * 4, most=12) == r"\x1b...\x1b"


def test_the_text_of_a_deep_value_is_not_endless() -> None:
    deep: object = "x" * 150
    for _ in range(5):
        deep = [deep] * 5
    assert len(repr(deep)) > 3125 * 150
    assert len(short(deep)) < 500


NAMES = {
    "an escape": ("cat\x1b[2Jdog", r"cat\x1b[2Jdog"),
    "line breaks": ("a\nb\r\u2028c\x85", r"a\nb\r\u2028c\x85"),
    "a title of the window": ("\x1b]0;x\x07", r"\x1b]0;x\x07"),
    "one byte of control": ("\x9b31m", r"\x9b31m"),
    "from right to left": ("\u202egnp.exe", r"\u202egnp.exe"),
    "bytes that are no text": ("caf\udce9", r"caf\udce9"),
    "of people": ("größe 猫\u3000犬 क\u094d\u200dष 👩\u200d💻", None),
    "escaped already": (r"a\nb\x1b", None),
}


@pytest.mark.parametrize("kind", NAMES)
def test_a_terminal_only_shows_what_is_printed(kind: str) -> None:
    name, expected = NAMES[kind]
    shown = name if expected is None else expected
    assert printable(name) == printable(printable(name)) == shown
    for error in (PdasError(name), RunError(name), PdasWarning(name)):
        assert str(error) == shown
    assert str(pickle.loads(pickle.dumps(DataError(name)))) == shown
