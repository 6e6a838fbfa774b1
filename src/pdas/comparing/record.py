"""What a comparison was asked for, in its `comparison.json`; by it the command continues."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from pdas.runs.reading import has_file, parse_json, read_file
from pdas.support.errors import DataError, RunError, SettingError, short
from pdas.support.metrics import is_number
from pdas.support.refusals import is_integer, refuse
from pdas.tasks.recipe import as_recipe, check_same

FILE = "comparison.json"


@dataclass(frozen=True)
class AskedRow:
    """A row that was asked for.

    Attributes:
        form: see `Row`.
        passes: the training passes that its search was planned for.
        seeds: of its runs.
        failed: the error of each seed that failed when it was last tried.

    Example:
        AskedRow("as published", 4992.0, (0, 1, 2))
    """

    form: str
    passes: float
    seeds: tuple[int, ...]
    failed: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Record:
    """What a comparison was asked for, until now.

    Attributes:
        recipe: all settings, as plain data.
        budget: see `pdas.comparing.rows.BUDGETS`.
        images: the fingerprints of training and test images, by name.
        rows: by name, in the order in which they were asked for.

    Example:
        Record.read(Path("runs/digits-compare")).rows["pdas"].seeds
    """

    recipe: Mapping[str, Any]
    budget: str
    images: Mapping[str, str]
    rows: Mapping[str, AskedRow]

    @classmethod
    def read(cls, path: Path) -> Record:
        """That of a directory.

        Raises:
            RunError: it holds no comparison, or a damaged one.
        """
        if not has_file(path / FILE):
            expected = "expected a directory made by `pdas compare`; check the path"
            raise RunError(f"--from: {path} has no {FILE}, {expected}")
        return read_file(path / FILE, _parse)

    def and_before(self, before: Record, path: Path) -> Record:
        """This record with the rows and seeds that were asked for before.

        Args:
            before: the record that is in the directory.
            path: the directory, for messages.

        Raises:
            SettingError: it is that of another comparison.
            DataError: it was made with other images.
        """
        check_same(as_recipe(self.recipe), as_recipe(before.recipe), str(path))
        if self.budget != before.budget:
            _refuse("--budget", self.budget, before.budget, path)
        if self.images != before.images:
            found = f"--data-dir: found other images than those of {path}"
            raise DataError(f"{found}; restore what changed since, or give another --out")
        rows = dict(before.rows)
        for name, row in self.rows.items():
            rows[name] = row if name not in rows else _joined(row, rows[name], path)
        return replace(self, rows=rows)

    def with_failed(self, failed: Mapping[tuple[str, int], str]) -> Record:
        """This record with the errors of runs.

        Args:
            failed: by row and seed.
        """
        rows = {
            name: replace(
                row,
                failed={
                    **row.failed,
                    **{seed: why for (of, seed), why in failed.items() if of == name},
                },
            )
            for name, row in self.rows.items()
        }
        return replace(self, rows=rows)

    def to_json(self) -> dict[str, Any]:
        """As plain data, which `read` reads."""
        return asdict(self)


def _joined(row: AskedRow, before: AskedRow, path: Path) -> AskedRow:
    """A row with all its seeds; the new ones must begin as the former ones, or be some of them."""
    one, other = set(row.seeds), set(before.seeds)
    if not (one <= other or other <= one):
        _refuse("--seeds", list(row.seeds), f"all or some of {list(before.seeds)}", path)
    failed = {seed: why for seed, why in before.failed.items() if seed not in one}
    return replace(row, seeds=tuple(sorted(one | other)), failed=failed)


def _refuse(setting: str, found: object, expected: object, path: Path) -> None:
    refuse(
        SettingError,
        setting,
        found=str(found),
        expected=f"{expected} as in {path}, and more of them where you like"
        if setting == "--seeds"
        else f"{expected} as in {path}",
        remedy="give it as it was, or another --out",
    )


def _parse(file: Path) -> Record:
    content = parse_json(file)
    rows = {name: _parse_row(name, values) for name, values in dict(content["rows"]).items()}
    recipe, images = dict(content["recipe"]), dict(content["images"])
    return Record(recipe, str(content["budget"]), images, rows)


def _parse_row(name: str, values: Mapping[str, Any]) -> AskedRow:
    seeds, passes = values["seeds"], values["passes"]
    if not (isinstance(seeds, list) and seeds and all(map(is_integer, seeds))):
        raise ValueError(f"the seeds of {short(name)} are {short(seeds)}, not numbers")
    if not is_number(passes):
        raise ValueError(f"the passes of {short(name)} are {short(passes)}, not a number")
    failed = {int(seed): str(why) for seed, why in dict(values["failed"]).items()}
    return AskedRow(str(values["form"]), passes, tuple(seeds), failed)
