"""All warnings of a run, in the order in which they matter."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from pdas.report.reader import Summary
from pdas.report.warnings.base import RunWarning
from pdas.report.warnings.halves import halves_differ
from pdas.report.warnings.not_converged import not_converged
from pdas.report.warnings.not_the_best import not_the_best
from pdas.report.warnings.nothing_learned import nothing_learned
from pdas.report.warnings.small_eta import eta_at_its_floor
from pdas.report.warnings.small_test import test_too_small
from pdas.report.warnings.ties import losses_tie
from pdas.report.warnings.without_weights import without_weights
from pdas.support.errors import PdasError

Kind = Callable[[Summary], RunWarning | None]

# A wrong beginning first, since what follows may be its consequence.
_KINDS: tuple[Kind, ...] = (
    halves_differ,
    nothing_learned,
    losses_tie,
    eta_at_its_floor,
    not_converged,
    without_weights,
    not_the_best,
    test_too_small,
)
_UNREADABLE = (PdasError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


def warnings_of(summary: Summary) -> list[RunWarning]:
    """What to be careful about in a run.

    Args:
        summary: of the run.
    """
    return [warning for kind in _KINDS if (warning := _warning(kind, summary)) is not None]


def advice_of(kind: Kind, summary: Summary) -> str:
    """The advice of one kind of warning; empty if there is none.

    Args:
        kind: one of the functions above.
        summary: of the run.
    """
    warning = _warning(kind, summary)
    return "" if warning is None else warning.advice


def _warning(kind: Kind, summary: Summary) -> RunWarning | None:
    """None also where a measurement is missing, as under way, or makes no sense."""
    with suppress(*_UNREADABLE):
        return kind(summary)
    return None
