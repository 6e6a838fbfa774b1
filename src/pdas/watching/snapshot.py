"""What there is of a run at a moment: its stage, whether a process is at work, what it measured.

A stage locks its directory while it runs, whatever becomes of its process. So a lock says that a
process is at work, and a stage that is not finished without a lock was killed or failed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

from pdas.report.reader import NamedTheta, read_metrics, read_theta
from pdas.runs.progress import FILE, StageProgress, parse_progress
from pdas.runs.run import Run
from pdas.support.arrays import FloatArray
from pdas.support.errors import RunError
from pdas.support.metrics import Metric
from pdas.support.refusals import refuse
from pdas.support.writing.parts import is_locked
from pdas.tasks.results import metrics_of

T = TypeVar("T")

PATIENCE = 60.0  # seconds without a lock and without news, after which nobody is at work
_KINDS = (".yaml", ".json", ".csv", ".npz", ".safetensors", ".ckpt")  # not what a report writes
_INNER = ("seed-*/config.yaml", "*/seed-*/config.yaml")  # of a sweep, and of a comparison
_REPORT = "report.html"
_REFRESH = b'http-equiv="refresh"'
_HEAD = 4096  # bytes of a page, more than come before its content


class Phase(Enum):
    """Where a run is.

    Example:
        Watcher("runs/digits-0").snapshot().phase is Phase.RUNS
    """

    NOT_BEGUN = "not begun"
    RUNS = "running"
    FINISHED = "finished"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Snapshot:
    """A run at a moment.

    Attributes:
        path: the directory.
        phase: where it is.
        stage: what runs or ran last, as "search" or "retrain-0".
        is_at_work: whether a process works in it; None if that cannot be known.
        silence: the seconds since a file changed.
        progress: of the stage; None where there is none.
        metrics: those of the task.
        columns: of the `metrics.csv` of the stage.
        theta: its history; None of a method without it.
        damage: of files that could not be read, a line each.

    Example:
        Watcher("runs/digits-0").snapshot().phase
    """

    path: Path
    phase: Phase
    stage: str = ""
    is_at_work: bool | None = None
    silence: float = 0.0
    progress: StageProgress | None = None
    metrics: Sequence[Metric] = ()
    columns: Mapping[str, FloatArray] = field(default_factory=dict)
    theta: NamedTheta | None = None
    damage: Sequence[str] = ()


class Watcher:
    """Takes snapshots of a run, and reads only the files that changed.

    Args:
        path: the directory, which need not exist yet.
        clock: returns the time of the files, in seconds.

    Example:
        watcher = Watcher("runs/digits-0")
        while watcher.snapshot().phase is Phase.RUNS:
            time.sleep(2)
    """

    def __init__(
        self, path: str | os.PathLike[str], clock: Callable[[], float] = time.time
    ) -> None:
        self._run = Run(path)
        self._clock = clock
        self._kept: dict[Path, tuple[tuple[int, int], Any]] = {}

    def snapshot(self) -> Snapshot:
        """What there is now.

        Raises:
            RunError: the directory cannot be read, or holds several runs.
        """
        run = self._run
        if not run.has_config:
            _check_one(run.path)
            return Snapshot(run.path, Phase.NOT_BEGUN)
        stages = [run, *_inner_stages(run.path)]
        locked = [is_locked(each.path) for each in stages]
        stage = _current(stages, locked)
        is_at_work = True if True in locked else None if None in locked else False
        silence = max(0.0, self._clock() - max(self.changes().values(), default=0) / 1e9)
        damage: list[str] = []

        def kept(each: Run, name: str, read: Callable[[Run], T]) -> T | None:
            try:
                return self._read(each, name, read)
            except RunError as error:
                damage.append(str(error))
                return None

        config: Mapping[str, Any] = kept(run, "config.yaml", Run.raw_config) or {}
        phase = self._phase(stages, is_at_work, silence)
        return Snapshot(
            path=run.path,
            phase=phase,
            stage=_name(run, stage),
            is_at_work=is_at_work,
            silence=silence,
            progress=kept(stage, FILE, _progress) if phase is Phase.RUNS else None,
            metrics=metrics_of(config.get("recipe", {})),
            columns=kept(stage, "metrics.csv", read_metrics) or {},
            theta=kept(run, "theta.npz", read_theta),
            damage=damage,
        )

    def changes(self) -> dict[Path, int]:
        """When each file of the run changed last, in nanoseconds; a report is none of them."""
        run = self._run
        directories = [each.path for each in (run, *_inner_stages(run.path))]
        return {
            Path(entry.path): entry.stat(follow_symlinks=False).st_mtime_ns
            for directory in directories
            for entry in [*_entries(directory), *_entries(directory / "checkpoint")]
            if entry.name.endswith(_KINDS) and not entry.name.startswith(".")
        }

    def _phase(self, stages: Sequence[Run], is_at_work: bool | None, silence: float) -> Phase:
        is_finished = not any(each.is_unfinished for each in stages)
        if is_at_work or (silence < PATIENCE and not (is_finished and self._has_last_page())):
            return Phase.RUNS
        return Phase.FINISHED if is_finished else Phase.STOPPED

    def _has_last_page(self) -> bool:
        """Whether the run wrote its report, which comes last; one that follows it says so."""
        page = self._run.path / _REPORT
        with suppress(OSError):
            if page.stat().st_mtime_ns >= max(self.changes().values(), default=0):
                with page.open("rb") as file:
                    return _REFRESH not in file.read(_HEAD)
        return False

    def _read(self, run: Run, name: str, read: Callable[[Run], T]) -> T | None:
        """What a function reads of a file, again only where it changed; None without the file."""
        path = run.path / name
        try:
            about = path.stat()
            stamp = (about.st_mtime_ns, about.st_size)
            if path not in self._kept or self._kept[path][0] != stamp:
                self._kept[path] = stamp, read(run)
        except (OSError, RunError) as error:
            self._kept.pop(path, None)
            # A stage that ends removes its progress, maybe just before it is read.
            if isinstance(error, OSError) or isinstance(error.__cause__, FileNotFoundError):
                return None
            raise
        content: T = self._kept[path][1]
        return content


def _check_one(path: Path) -> None:
    """Refuse the directory of a sweep or of a comparison, and name the run that is at work."""
    runs = [each.parent for name in _INNER for each in sorted(path.glob(name))]
    if not runs:
        return
    at_work = [run for run in runs if is_locked(run)]
    unfinished = [run for run in runs if Run(run).is_unfinished]
    refuse(
        RunError,
        "run",
        found=f"{path}, which holds {len(runs)} runs",
        expected="one of them",
        remedy=f"name {[*at_work, *unfinished, *runs][0]}",
    )


def _progress(run: Run) -> StageProgress:
    return run.read(FILE, parse_progress)


def _entries(directory: Path) -> Iterator[os.DirEntry[str]]:
    with suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            with suppress(OSError):  # it is gone already
                if entry.is_file(follow_symlinks=False):
                    yield entry


def _inner_stages(path: Path) -> list[Run]:
    """The retrainings and the controls within a run, each of which is a run of its own."""
    found = []
    with suppress(OSError):
        for name in sorted(os.listdir(path)):
            inner = Run(path / name)
            is_stage = name.startswith(("retrain-", "control-"))
            if is_stage and not inner.path.is_symlink() and inner.has_config:
                found += [inner, *_inner_stages(inner.path)]
    return found


def _current(stages: Sequence[Run], locked: Sequence[bool | None]) -> Run:
    """The stage at work, or else the one that is not finished, or else the last one."""
    at_work = [each for each, is_at_work in zip(stages, locked, strict=True) if is_at_work]
    unfinished = [each for each in stages if each.is_unfinished]
    return [*(at_work or unfinished or stages)][-1]


def _name(run: Run, stage: Run) -> str:
    inner = stage.path.relative_to(run.path).as_posix()
    return "search" if inner == "." else inner
