"""Writers killed or refused at each call of the system: every file is whole, old or new."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pdas.experiment import export
from pdas.report.page import write_report
from pdas.resume.checkpoint import Checkpoints
from pdas.runs.directory import new_directory
from pdas.runs.run import Run
from pdas.support.errors import PdasError
from pdas.support.writing.parts import is_part

Write = Callable[[Path], object]

CALLS = {"open", "write", "flush", "fsync", "flock", "close", "replace", "unlink", "mkdir", "rmdir"}
IN_MEMORY = (str, io.StringIO, io.BytesIO)
DONE, REFUSED, SUPPRESSED, KILLED = 0, 2, 3, 9


def in_a_copy(write: Write, path: Path, fault: Callable[[], None], at: int) -> int:
    """How a writer ends in a copy of this process, with a fault before one of its calls."""
    process = os.fork()
    if process == 0:
        numbers = count()

        def before(frame: Any, event: str, function: Any) -> None:
            if event != "c_call" or function.__name__ not in CALLS:
                return
            if not isinstance(function.__self__, IN_MEMORY) and next(numbers) == at:
                fault()

        status = 1
        try:
            sys.setprofile(before)
            write(path)
            sys.setprofile(None)
            status = DONE if next(numbers) <= at else SUPPRESSED
        except PdasError:
            status = REFUSED
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def kill() -> None:
    os._exit(KILLED)


def full() -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def contents(path: Path) -> dict[str, bytes]:
    """All files but parts, by name; a page names the directory, which is another each time."""
    return {
        str(file.relative_to(path)): file.read_bytes().replace(os.fsencode(path), b"RUN")
        for file in path.rglob("*")
        if file.is_file() and not is_part(file)
    }


def write_json(path: Path) -> None:
    Run(path).write_json("result.json", {"error": 3})


def write_arrays(path: Path) -> None:
    Run(path).write_arrays("theta.npz", theta=np.ones(3))


def write_weights(path: Path) -> None:
    Run(path).write_weights(torch.nn.BatchNorm1d(3))


def write_checkpoint(path: Path) -> None:
    Checkpoints(path / "checkpoint").save(4, {"weights": torch.ones(3)})


def write_page(path: Path) -> None:
    write_report(path)


def write_export(path: Path) -> None:
    with new_directory(path / "out", "--out") as made:
        export._write(made, {"program.pt2": b"program", "network.json": b"{}"})


WRITERS: dict[str, Write] = {
    "json": write_json,
    "arrays": write_arrays,
    "weights": write_weights,
    "checkpoint": write_checkpoint,
    "page": write_page,
    "export": write_export,
}


def new_run(path: Path) -> Path:
    """A run whose files are there in a former state, and a file of the user."""
    path.mkdir(parents=True)
    (path / "config.yaml").write_text("recipe: {name: made-up}\nseed: 0\n")
    (path / "film.mp4.part").write_bytes(b"mine")
    for name in ("result.json", "theta.npz", "weights.safetensors", "report.html"):
        (path / name).write_bytes(b"former")
    for step in (1, 2, 3):
        Checkpoints(path / "checkpoint").save(step, {"step": step})
    return path


def places(write: Write, root: Path) -> Iterator[tuple[int, Path]]:
    """The number of each call of a writer, with a run in which to let it fail."""
    at = 0
    while True:
        path = new_run(root / str(at) / "run")
        yield at, path
        at += 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a copy of this process")
@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("fault", [kill, full])
def test_whatever_a_fault_hits_each_file_is_whole_and_the_next_writer_cleans_up(
    tmp_path: Path, name: str, fault: Callable[[], None]
) -> None:
    write = WRITERS[name]
    whole = new_run(tmp_path / "whole" / "run")
    former = contents(whole)
    write(whole)
    expected = contents(whole)
    hit = 0
    for at, path in places(write, tmp_path):
        status = in_a_copy(write, path, fault, at)
        found = contents(path)
        # A report of which a file cannot be read says so, and is whole.
        told = b"No space left" in found.get("report.html", b"")
        for file, content in found.items():
            if told and file == "report.html":
                assert content.endswith(b"</html>\n")
                continue
            assert content in (former.get(file), expected.get(file)), f"{file} at call {at}"
        assert found["film.mp4.part"] == b"mine" and found["config.yaml"] == former["config.yaml"]
        if status == DONE:
            break
        hit += 1
        if status == REFUSED:
            assert not [file for file in path.rglob("*") if is_part(file)], f"at call {at}"
        elif status == SUPPRESSED:  # of what does no harm, as an old checkpoint that stays
            assert fault is full and (told or expected.items() <= found.items())
        else:
            assert status == KILLED
        if name == "export":  # which is made once, so what is whole is handed over or given up
            assert status != REFUSED or not (path / "out").exists()
            continue
        write(path)
        assert contents(path) == expected
        assert not [file for file in path.rglob("*") if is_part(file)]
    assert hit > 5 and found == expected
