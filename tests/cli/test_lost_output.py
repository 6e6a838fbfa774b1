"""What a command prints may be lost; what it did stays done, and the exit status says so."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from pdas import cli
from pdas.runs.run import Run
from tests.cli.conftest import CHANGES

pytestmark = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux")


def closed() -> int:
    """The end of a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing


def full() -> int:
    return os.open("/dev/full", os.O_WRONLY)


def hung_up() -> int:
    """A terminal that is gone."""
    controller, terminal = os.openpty()
    os.close(controller)
    return terminal


def status_of(words: Sequence[object], out: int, errors: int) -> int:
    """The exit status of a command in a copy of this process, with other streams."""
    process = os.fork()
    if process == 0:
        try:
            os.dup2(out, 1)
            os.dup2(errors, 2)
            sys.stdout, sys.stderr = (open(n, "w", closefd=False) for n in (1, 2))  # noqa: SIM115
            sys.argv = ["pdas", *map(str, words)]
            cli.main()
        except SystemExit as exit_:
            os._exit(int(exit_.code or 0))
        finally:
            os._exit(99)
    for descriptor in {out, errors}:
        os.close(descriptor)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


@pytest.mark.parametrize("ended", [closed, full, hung_up])
def test_a_training_whose_reader_is_gone_is_finished(
    tmp_path: Path, ended: Callable[[], int]
) -> None:
    out = tmp_path / "z[/b]"
    stream = ended()
    assert status_of(["run", "digits", "--out", out, *CHANGES], stream, stream) == 0
    assert Run.open(out).retrainings() and (out / "report.html").exists()


@pytest.mark.parametrize(
    ("words", "made"),
    [
        (["report", "{run}"], "report.html"),
        (["export", "{run}", "--out", "{run}/exported"], "exported/state_dict.pt"),
    ],
)
def test_what_is_on_the_disk_is_done_whoever_reads_of_it(
    finished: Run, tmp_path: Path, words: list[str], made: str
) -> None:
    run = tmp_path / "exp[lr=0.1]"
    shutil.copytree(finished.path, run)
    assert status_of([word.format(run=run) for word in words], full(), closed()) == 0
    assert (run / made).exists()


@pytest.mark.parametrize(
    "words", [["--help"], ["--version"], ["run", "--help"], ["recipes"], ["evaluate", "{run}"]]
)
@pytest.mark.parametrize(("ended", "status"), [(closed, 141), (full, 2)])
def test_a_command_that_only_prints_fails_with_what_it_prints(
    finished: Run, tmp_path: Path, words: list[str], ended: Callable[[], int], status: int
) -> None:
    errors = tmp_path / "errors"
    with errors.open("wb") as file:
        spoken = [word.format(run=finished.path) for word in words]
        assert status_of(spoken, ended(), os.dup(file.fileno())) == status
    line = "pdas: standard output: cannot be written (No space left on device)\n"
    assert errors.read_text() == ("" if status == 141 else line)


def test_a_mistake_has_its_status_also_where_nobody_reads() -> None:
    assert status_of(["run", "digit"], closed(), closed()) == 2
    assert status_of(["run", "digits", "--no-such"], full(), full()) == 2


@pytest.mark.parametrize(
    ("line", "status"),
    [("pdas recipes | true", 141), ("pdas recipes >/dev/full", 2), ("pdas recipes >&- 2>&-", 0)],
)
def test_the_end_of_the_process_says_nothing_more(line: str, status: int) -> None:
    words = f'set -o pipefail; pdas() {{ {sys.executable} -m pdas.cli "$@"; }}; {line}'
    done = subprocess.run(["bash", "-c", words], capture_output=True, text=True)
    assert done.returncode == status and done.stdout == ""
    assert done.stderr.count("\n") == (1 if status == 2 else 0)
