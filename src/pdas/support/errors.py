"""The exceptions of the project.

Each message is one line that names the setting, what was found, what was expected and what to do.
The command line prints that line and exits with status 2; a program catches `PdasError`. What the
user should know but is no reason to stop is a `PdasWarning`, of one line too.
"""

from __future__ import annotations

from collections.abc import Sequence
from reprlib import Repr

_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 200


def short(value: object) -> str:
    """A value as text for a message, shortened if it is long."""
    return _SHORT.repr(value)


def shortened(names: Sequence[object], most: int = 8) -> str:
    """The first names of many, for a message."""
    shown = ", ".join(map(short, names[:most]))
    return shown if len(names) <= most else f"{shown}, ... ({len(names)} in all)"


def reason(error: BaseException, most: int = 200) -> str:
    """What an error of another library says, in one line of at most so many characters."""
    return " ".join(str(error).split())[:most] or type(error).__name__


class PdasError(Exception):
    """Base of every error that a user can cause and mend."""


class SettingError(PdasError, ValueError):
    """A recipe, a setting or an argument is unknown or out of range."""


class SpaceError(PdasError, ValueError):
    """A search space, an architecture or a distribution over it is malformed."""


class NetworkError(PdasError, ValueError):
    """A network has choices that do not fit together, or is used in a way that cannot work."""


class OptimizerError(PdasError, ValueError):
    """An optimizer was told something that does not fit its search space or sample."""


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
    """Something was done that the user may not expect, and the work continues."""
