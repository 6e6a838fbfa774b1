"""The exceptions of the project.

Each message is one line: the setting, what was found, what was expected and what to do. The
command line prints that line and exits with status 2. A program catches `PdasError`. If there is no
reason to stop, the line is a `PdasWarning`.

A message may hold names that someone else chose, of files or of classes; `printable` makes them
harmless to a terminal.
"""

from __future__ import annotations

from collections.abc import Sequence
from reprlib import Repr

_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 200

_SHOWN = frozenset("\u00a0\u3000\u200c\u200d")  # spaces, and joiners that some scripts need


def printable(text: str) -> str:
    """A text as one line that a terminal only shows: escapes, line breaks and the like are written.

    Args:
        text: names of any origin; where this was applied before, it changes nothing.

    Example:
        >>> print(printable("cat\\n\\x1b[31mdog"))
        cat\\n\\x1b[31mdog
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in _SHOWN else repr(c)[1:-1] for c in text)


def clipped(text: str, most: int = 500) -> str:
    """A printable text of at most `most` characters: of a long one its beginning and its end.

    Example:
        >>> clipped("0123456789", most=7)
        '01...89'
    """
    text = printable(text)
    if len(text) <= most:
        return text
    half = (most - 3) // 2
    return f"{text[:half]}...{text[-half:]}"


def short(value: object) -> str:
    """The text of a value in a message, shortened if it is long."""
    return clipped(_SHORT.repr(value))


def shortened(names: Sequence[object], most: int = 8) -> str:
    """The text of many names in a message: the first ones, and how many there are."""
    shown = ", ".join(map(short, names[:most]))
    return shown if len(names) <= most else f"{shown}, ... ({len(names)} in all)"


def reason(error: BaseException, most: int = 200) -> str:
    """The message of another library's error, in one line of at most `most` characters."""
    return " ".join(str(error).split())[:most] or type(error).__name__


class PdasError(Exception):
    """Base of every error that a user can cause and correct.

    Args:
        message: a line; what no terminal should be sent is escaped, see `printable`.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(printable(message))


class SettingError(PdasError, ValueError):
    """A recipe, a setting or an argument is unknown or out of range."""


class SpaceError(PdasError, ValueError):
    """A search space, an architecture or a distribution over it is malformed."""


class NetworkError(PdasError, ValueError):
    """A network has choices that do not fit together, or is used in a way that cannot work."""


class OptimizerError(PdasError, ValueError):
    """An optimizer received something that does not fit its search space or sample."""


class DataError(PdasError, ValueError):
    """A data set is missing, broken, or does not fit the settings."""


class RunError(PdasError, ValueError):
    """A run directory or an export is missing, incomplete, damaged, or already taken."""


class CheckpointError(RunError):
    """No checkpoint is whole, or what is in it does not fit the training that is resumed."""


class NonFiniteLossError(PdasError, ArithmeticError):
    """Every architecture of a step had a loss that is NaN or infinite."""


class NotLearnedError(PdasError, RuntimeError):
    """The shared weights of a search learned nothing, so theta had nothing to learn from."""


class OutOfMemoryError(PdasError, MemoryError):
    """A step or an evaluation needs more memory than there is."""


class RankError(PdasError, RuntimeError):
    """A training on several devices cannot continue: a process ended, hung, or disagrees."""


class PdasWarning(UserWarning):
    """Something happened that the user may not expect; the work continues.

    Args:
        message: as of `PdasError`.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(printable(message))
