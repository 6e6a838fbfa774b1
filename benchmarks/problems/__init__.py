"""Networks with choices on real data, to measure what a search is worth; one file a problem."""

from __future__ import annotations

from collections.abc import Callable

from problems.base import Problem
from problems.fashion import fashion
from problems.mnist import mnist
from problems.regression import regression
from problems.rows import rows
from problems.table import table

PROBLEMS: dict[str, Callable[[], Problem]] = {
    "mnist": mnist,
    "rows": rows,
    "table": table,
    "fashion": fashion,
    "regression": regression,
}
