"""Table 1 of the paper, as it is printed there: errors on CIFAR-10, in percent.

Each row is from a publication of its own, with its own space, training and hardware. Nothing of it
is measured by this project.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pdas.tasks.base import Quoted


def _row(name: str, days: str, params: str, error: str) -> Quoted:
    return Quoted("Table 1 of the paper, on CIFAR-10", name, days, params, error)


_ENAS = _row("ENAS + c/o", "0.45", "4.6", "2.89")
_PDAS = _row("PDAS + c/o", "0.24", "3.20", "2.98 (±0.12)")

QUOTED: Mapping[str, Quoted] = MappingProxyType(
    {
        "nas": _row("NAS", "16.8-22.4K", "7.1", "4.47"),
        "eas": _row("EAS (DenseNet)", "20", "10.7", "3.44"),
        "smash": _row("SMASHv2", "1.5", "16.0", "4.03"),
        "nasnet": _row("NASNet-A + c/o", "2000", "3.3", "2.65"),
        "nao": _row("NAONet + c/o", "200", "128", "2.07"),
        "nao-ws": _row("NAONet-WS", "0.4", "3.7", "3.53"),
        "renas-like": _row("RENASNet + c/o", "6.0", "3.5", "2.98 (±0.08)"),
        "darts-1": _row("DARTS first order + c/o", "1.5", "2.9", "2.94"),
        "darts-2": _row("DARTS second order + c/o", "4", "3.4", "2.83 (±0.06)"),
        "enas": _ENAS,
        "enas-plain": _ENAS,
        "random": _row("RANDOM + c/o", "-", "3.21", "4.12 (±0.44)"),
        "pdas": _PDAS,
        "pdas-paper": _PDAS,
    }
)
"""By the name of a row; the cost of the search is in GPU days."""
