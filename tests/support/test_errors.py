from __future__ import annotations

import pickle

import pytest

from pdas.support.errors import DataError, PdasError, PdasWarning, RunError, printable, reason


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
