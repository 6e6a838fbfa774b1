"""Latencies that were measured, as plain numbers that a file can keep."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from pdas.cost import Cost
from pdas.nn.costs import sum_in_use
from pdas.nn.counting.candidate_run import shape
from pdas.nn.protocols import SupernetProtocol
from pdas.space import SearchSpace
from pdas.support.errors import SettingError, SpaceError, reason
from pdas.support.files import atomic_write
from pdas.support.opening import read_text
from pdas.support.plain_data import safe_json
from pdas.support.refusals import is_finite, refuse

UNIT = "ms"


@dataclass(frozen=True)
class Latencies:
    """Milliseconds of the derived networks of a supernet.

    Attributes:
        constant: what is added to the sum.
        rows: by the name of a variable, what each of its categories adds, in their order.
        checks: of architectures that were also timed whole: the sum, and what was measured.
        device: where it was measured, as "cpu" or "cuda:0".
        threads: of torch.
        inputs: the shapes, as text.

    Example:
        latencies = LatencyMeasurement(net, images).run()
        latencies.cost(net)(architecture), latencies.error
    """

    constant: float
    rows: Mapping[str, list[float]]
    checks: list[tuple[float, float]]
    device: str
    threads: int
    inputs: str

    @property
    def error(self) -> float:
        """How far the sums are off on average, as a share of the latency."""
        off = sum(abs(total - measured) for total, measured in self.checks)
        return off / (sum(measured for _, measured in self.checks) or 1.0)

    def cost(self, net: SupernetProtocol) -> Cost:
        """The cost of architectures in milliseconds, with its `error`.

        Args:
            net: the supernet that was measured.

        Raises:
            SpaceError: it was another one.
        """
        _check_space(self.rows, net.space)
        rows = [np.array(self.rows[name]) for name in net.space]
        return sum_in_use(net, rows, self.constant, error=self.error)

    def __str__(self) -> str:
        return (
            f"on {self.device}, for inputs of shape {self.inputs}; sums are off by "
            f"{self.error:.1%} on average, in {len(self.checks)} networks of "
            f"{fmean(measured for _, measured in self.checks):.4g} {UNIT}"
        )

    def to_plain(self) -> dict[str, Any]:
        """As a file has it, with the unit."""
        return {"unit": UNIT, **asdict(self)}

    @classmethod
    def from_plain(cls, content: Mapping[str, Any]) -> Latencies:
        """What `to_plain` gave.

        Args:
            content: of a file.

        Raises:
            ValueError, LookupError, TypeError: it is something else.
        """
        if content["unit"] != UNIT:
            raise ValueError(f"the unit is {content['unit']!r}, not {UNIT!r}")
        rows = {str(name): _numbers(row) for name, row in content["rows"].items()}
        (constant,) = _numbers([content["constant"]])
        checks = [(total, measured) for total, measured in map(_numbers, content["checks"])]
        where = str(content["device"]), int(content["threads"]), str(content["inputs"])
        return cls(constant, rows, checks, *where)

    def write(self, file: str | PathLike[str]) -> None:
        """Write them into a file of JSON.

        Args:
            file: its path.

        Raises:
            RunError: it cannot be written.
        """
        with atomic_write(Path(file)) as opened:
            opened.write((json.dumps(self.to_plain(), indent=2) + "\n").encode())

    @classmethod
    def read(cls, file: str | PathLike[str]) -> Latencies:
        """What `write` has written.

        Args:
            file: its path.

        Raises:
            SettingError: it holds something else.
        """
        try:
            return cls.from_plain(safe_json(read_text(file)))
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            refuse(
                SettingError,
                "file",
                found=f"{file} ({reason(error)})",
                expected="latencies that were kept there",
                remedy="remove it, so that they are measured anew",
            )


def shapes(inputs: Sequence[Any], named: Mapping[str, Any]) -> str:
    """The shapes of all inputs, as text.

    Args:
        inputs, named: what a module is called with.
    """
    return ", ".join(
        [*(str(shape(value)) for value in inputs), *(f"{k}={shape(v)}" for k, v in named.items())]
    )


def _numbers(row: Any) -> list[float]:
    if not all(map(is_finite, row)):
        raise ValueError(f"{row!r} has something else than finite numbers")
    return [float(number) for number in row]


def _check_space(rows: Mapping[str, list[float]], space: SearchSpace) -> None:
    """Raise `SpaceError` unless there is a number for each category."""
    found = {name: len(row) for name, row in rows.items()}
    expected = dict(zip(space.names, space.sizes.tolist(), strict=True))
    differing = [name for name in found | expected if found.get(name) != expected.get(name)]
    if differing:
        name = differing[0]
        refuse(
            SpaceError,
            "latency",
            found=f"{found.get(name, 'no')} numbers for the variable {name!r}",
            expected=f"{expected.get(name, 'none')}, as the network has them",
            remedy="measure this network anew, into another file",
        )
