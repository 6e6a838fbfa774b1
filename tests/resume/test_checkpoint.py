"""Checkpoints: whole or not at all, the last two, never more than their share of the time."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import re
import zipfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

from pdas.resume import checkpoint
from pdas.resume.checkpoint import _TRAILER, FORMAT, Checkpoints, _trailer
from pdas.support.errors import CheckpointError, PdasWarning, RunError


def state(step: int) -> dict[str, Any]:
    return {"step": step, "weights": torch.full((100,), float(step)), "plain": [1, "a", None]}


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


@pytest.fixture
def two(tmp_path: Path) -> Checkpoints:
    """Checkpoints of the steps 2 and 3."""
    found = Checkpoints(tmp_path / "kept")
    for step in (1, 2, 3):
        found.save(step, state(step))
    return found


def last(checkpoints: Checkpoints) -> Path:
    return checkpoints.paths()[-1]


def test_the_last_two_are_kept_and_the_newest_is_read(two: Checkpoints) -> None:
    assert names(two.directory) == ["step-000000002.ckpt", "step-000000003.ckpt"]
    found = Checkpoints(two.directory).load()
    assert found is not None and found["step"] == 3 and found["plain"] == [1, "a", None]
    assert torch.equal(found["weights"], state(3)["weights"])


def test_there_is_none_before_the_first(tmp_path: Path) -> None:
    assert Checkpoints(tmp_path / "none").load() is None
    assert not (tmp_path / "none").exists()


def with_checksum(payload: bytes, version: int = FORMAT) -> bytes:
    return payload + _trailer(version, checkpoint.hashlib.sha256(payload).hexdigest())


class Runs:
    """Pickled, it runs code where it is read without care."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("code-was-run",)


def saved(content: object) -> bytes:
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda whole: b"",
    "one byte": lambda whole: whole[:1],
    "cut within the payload": lambda whole: whole[: len(whole) // 2],
    "cut at the end of the payload": lambda whole: whole[:-_TRAILER],
    "cut within the mark": lambda whole: whole[: -_TRAILER + 9],
    "cut within the checksum": lambda whole: whole[:-10],
    "cut by one byte": lambda whole: whole[:-1],
    "first byte": lambda whole: bytes([whole[0] ^ 1]) + whole[1:],
    "flipped in the payload": lambda whole: whole[:500] + bytes([whole[500] ^ 64]) + whole[501:],
    "flipped in the checksum": lambda whole: whole[:-1] + bytes([whole[-1] ^ 1]),
    "flipped in the format": lambda whole: whole[:-68] + bytes([whole[-68] ^ 64]) + whole[-67:],
    "flipped after the format": lambda whole: whole[:-65] + b"_" + whole[-64:],
    "another format": lambda whole: with_checksum(whole[:-_TRAILER], FORMAT + 1),
    "something after it": lambda whole: whole + b"\0",
    "twice": lambda whole: whole[:-_TRAILER] + whole,
    "zeros": lambda whole: bytes(len(whole)),
    "code": lambda whole: with_checksum(saved(Runs())),
    "a plain pickle of code": lambda whole: with_checksum(pickle.dumps(Runs())),
    "no mapping": lambda whole: with_checksum(saved([1])),
    "nothing with a checksum": lambda whole: with_checksum(b""),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_one_is_named_and_the_one_before_is_used(
    two: Checkpoints, damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    last(two).write_bytes(DAMAGES[damage](last(two).read_bytes()))
    message = r"^checkpoint: \S*step-000000003\.ckpt is damaged \(.+\); the one before it is used$"
    with pytest.warns(PdasWarning, match=message) as told:
        found = two.load()
    assert found is not None and found["step"] == 2
    assert len(told) == 1 and "\n" not in str(told[0].message)
    assert not (tmp_path / "code-was-run").exists()


def test_every_place_to_cut_or_to_flip_is_found(two: Checkpoints) -> None:
    whole = last(two).read_bytes()
    ends = [*range(0, len(whole) - _TRAILER, 37), *range(len(whole) - _TRAILER, len(whole))]
    for end in ends:
        for damaged in (whole[:end], whole[:end] + bytes([whole[end] ^ 1]) + whole[end + 1 :]):
            last(two).write_bytes(damaged)
            with pytest.raises(ValueError, match=r"^it |^its "):
                checkpoint._read(last(two))


def test_another_format_is_told_by_its_number(two: Checkpoints) -> None:
    last(two).write_bytes(DAMAGES["another format"](last(two).read_bytes()))
    with pytest.warns(PdasWarning, match=f"format {FORMAT + 1}, while this version reads {FORMAT}"):
        two.load()


def test_what_is_whole_stays_beside_what_was_damaged(two: Checkpoints) -> None:
    last(two).write_bytes(b"")
    with pytest.warns(PdasWarning):
        two.load()
    # The numbers of what follows may be smaller or larger than that of the damaged one.
    two.save(2, state(2))
    two.save(5, state(5))
    found = two.load()
    assert found is not None and found["step"] == 5
    whole = ["step-000000002.ckpt", "step-000000005.ckpt"]
    assert names(two.directory) == [whole[0], "step-000000003.damaged", whole[1]]


def test_if_all_are_damaged_nothing_begins_anew_unasked(two: Checkpoints) -> None:
    for path in two.paths():
        path.write_bytes(path.read_bytes()[:-1])
    before = names(two.directory)
    message = (
        r"^checkpoint: found none that is whole in \S*kept: of step-000000003\.ckpt it .*anew$"
    )
    with pytest.raises(RunError, match=message):
        two.load()
    assert names(two.directory) == before


def test_what_a_killed_process_left_is_no_checkpoint_and_is_removed(two: Checkpoints) -> None:
    (two.directory / f".pdas-step-000000009.ckpt-{'0' * 16}.part").write_bytes(b"half")
    found = two.load()
    assert found is not None and found["step"] == 3
    two.save(4, state(4))
    assert names(two.directory) == ["step-000000003.ckpt", "step-000000004.ckpt"]


def test_files_of_the_user_are_no_checkpoints_and_are_never_removed(two: Checkpoints) -> None:
    own = ["step-best.ckpt", "step-3.ckpt", "step-000000001.ckpt.part", "notes.txt", "step-by.part"]
    for name in own:
        (two.directory / name).write_text(name)
    assert [path.name for path in two.paths()] == ["step-000000002.ckpt", "step-000000003.ckpt"]
    for step in (4, 5, 6):
        two.save(step, state(step))
    found = two.load()
    assert found is not None and found["step"] == 6
    two.remove()
    assert names(two.directory) == sorted(own)


def test_all_checkpoints_are_removed_with_their_directory(two: Checkpoints) -> None:
    (two.directory / "step-000000003.ckpt").rename(two.directory / "step-000000003.damaged")
    (two.directory / f".pdas-step-000000004.ckpt-{'0' * 16}.part").touch()
    two.remove()
    assert not two.directory.exists()


def test_steps_of_ten_digits_come_last(tmp_path: Path) -> None:
    for step in (999_999_999, 1_000_000_000):
        (tmp_path / f"step-{step}.ckpt").touch()
    assert [path.stem for path in Checkpoints(tmp_path).paths()] == [
        "step-999999999",
        "step-1000000000",
    ]


@pytest.mark.parametrize("budget", [0, 1, 100, 5000])
def test_on_a_full_disk_those_from_before_stay(
    two: Checkpoints, budget: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path: path.read_bytes() for path in two.directory.iterdir()}
    full_after(monkeypatch, budget)
    large = {"weights": torch.zeros(10_000)}
    with pytest.raises(RunError, match=r"ckpt: cannot be written \(No space left on device\)"):
        two.save(4, large)
    assert {path: path.read_bytes() for path in two.directory.iterdir()} == before


def full_after(monkeypatch: pytest.MonkeyPatch, budget: int) -> None:
    """Let a disk be full after so many bytes of every file."""
    opened = Path.open

    class Full(io.FileIO):
        def write(self, data: Any) -> int:
            if self.tell() + len(data) > budget:
                raise OSError(28, "No space left on device")
            return super().write(data) or 0

    def open_(self: Path, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        return Full(str(self), "x") if mode == "xb" else opened(self, mode, *arguments, **options)

    monkeypatch.setattr(Path, "open", open_)


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=r"^checkpoint: \S*file/kept cannot be made \(Not a dir"):
        Checkpoints(tmp_path / "file" / "kept").save(1, state(1))


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(("took", "seconds"), [(0.1, 60.0), (0.6, 60.0), (2.0, 60.0), (30.0, 1.0)])
def test_checkpoints_take_one_percent_of_the_time_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, took: float, seconds: float
) -> None:
    clock = Clock()
    monkeypatch.setattr(checkpoint.time, "monotonic", clock)

    def write(*arguments: object) -> None:
        clock.now += took

    monkeypatch.setattr(checkpoint, "_write", write)
    checkpoints = Checkpoints(tmp_path, seconds=seconds)
    spent, times = 0.0, []
    for step in range(100_000):
        clock.now += 0.7
        if checkpoints.due():
            times.append(clock.now)
            checkpoints.save(step, {})
            spent += took
    # The last one is repaid by the time that follows.
    assert spent - took <= checkpoint.SHARE * clock.now
    assert min(b - a for a, b in pairwise(times)) >= seconds
    assert len(times) >= 0.9 * min(clock.now / (seconds + took), clock.now / (101 * took))


def test_none_is_due_at_once(tmp_path: Path) -> None:
    assert not Checkpoints(tmp_path).due()
    assert Checkpoints(tmp_path, seconds=0).due()


def test_a_file_that_cannot_be_read_is_passed_over(
    two: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, broken = checkpoint.read_bytes, last(two)

    def read_bytes(path: Path, most: int) -> bytes:
        if path == broken:
            raise OSError(5, "Input/output error")
        return read(path, most)

    monkeypatch.setattr(checkpoint, "read_bytes", read_bytes)
    with pytest.warns(PdasWarning, match=re.escape("Input/output error")):
        found = two.load()
    assert found is not None and found["step"] == 2


def test_gathering_the_state_counts_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(checkpoint.time, "monotonic", clock)
    checkpoints = Checkpoints(tmp_path, seconds=0)
    checkpoints.save(1, {}, since=clock.now - 1000)
    clock.now += 99_000
    assert not checkpoints.due()  # not before 100,000 seconds more
    clock.now += 1001
    assert checkpoints.due()


def test_a_signal_while_it_is_written_stays_what_it_is(
    two: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted:
        def update(self, data: object) -> None:
            raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint.hashlib, "sha256", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        two.save(4, state(4))
    assert names(two.directory) == ["step-000000002.ckpt", "step-000000003.ckpt"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with a name")
def test_one_that_stands_for_more_than_it_holds_is_damaged(two: Checkpoints) -> None:
    stored, packed = io.BytesIO(), io.BytesIO()
    torch.save({"step": 3, "weights": torch.zeros(1_000_000)}, stored)
    with zipfile.ZipFile(stored) as one, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as two_:
        for name in one.namelist():
            two_.writestr(name, one.read(name))
    payload = packed.getvalue()
    last(two).write_bytes(payload + _trailer(FORMAT, hashlib.sha256(payload).hexdigest()))
    with pytest.warns(PdasWarning, match=r"it stands for 400\d{4} bytes"):
        found = two.load()
    assert found is not None and found["step"] == 2


def test_a_pipe_is_no_checkpoint(two: Checkpoints) -> None:
    os.mkfifo(two.directory / "step-000000009.ckpt")
    with pytest.warns(PdasWarning, match="step-000000009.ckpt is damaged .it is no regular file"):
        found = two.load()
    assert found is not None and found["step"] == 3


def test_a_file_in_their_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("mine")
    with pytest.raises(CheckpointError, match=r"found a file at .*, expected a directory"):
        Checkpoints(str(tmp_path / "kept")).load()
