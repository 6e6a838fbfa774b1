from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from pdas.kernels import building, library
from tests.kernels.compiled import need_library

SAY = "from pdas.kernels.library import library; print(library().missing)"


def missing(tmp_path: Path, **environment: str) -> tuple[str, str]:
    """Why a fresh process with an empty cache has no library, and what it says on the way."""
    values = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"), **environment}
    done = subprocess.run(
        [sys.executable, "-c", SAY], env=values, capture_output=True, text=True, check=True
    )
    return done.stdout.strip(), done.stderr.strip()


def script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_without_a_compiler_there_is_a_reason_and_no_error(tmp_path: Path) -> None:
    reason, said = missing(tmp_path, PATH=str(tmp_path), CXX="")
    assert reason == "there is no C++ compiler"
    assert said == "kernels: there is no C++ compiler; torch's own operations are used"


def test_a_compiler_that_fails_is_a_reason_and_leaves_nothing(tmp_path: Path) -> None:
    broken = script(tmp_path / "broken", "echo 'vectors.h: error: no such luck' >&2; exit 1")
    reason, said = missing(tmp_path, CXX=broken)
    assert reason == "broken fails: vectors.h: error: no such luck"
    assert "compiling" in said and "Traceback" not in said
    left = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert all(path.suffix == ".lock" for path in left)


def test_of_a_compiler_that_takes_too_long_nothing_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = script(tmp_path / "slow", f"(sleep 4; echo > {tmp_path}/went-on) & wait")
    monkeypatch.setattr(building, "SECONDS", 1)
    with pytest.raises(building.BuildError, match="took more than 1 s"):
        building._run_all([[slow]])
    time.sleep(5)
    assert not (tmp_path / "went-on").exists()


def test_a_compiler_that_is_no_program_is_a_reason(tmp_path: Path) -> None:
    (tmp_path / "compiler").write_bytes(b"\x00\x01")
    (tmp_path / "compiler").chmod(0o755)
    reason, said = missing(tmp_path, CXX=str(tmp_path / "compiler"))
    assert reason == "compiler fails: Exec format error"
    assert "Traceback" not in said


def test_a_system_without_locks_of_files_makes_it_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)
    with building._one_at_a_time(tmp_path / "lock"):
        pass


def test_threads_that_ask_first_at_once_get_one_library() -> None:
    program = (
        "from concurrent.futures import ThreadPoolExecutor as Threads\n"
        "from pdas.kernels.library import library\n"
        "with Threads(4) as threads:\n"
        "    asked = [threads.submit(library) for _ in range(4)]\n"
        "print(len({id(each.result()) for each in asked}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "1", done.stderr


BUILDS_NONSENSE = """
[ "$1" = -dumpversion ] && exit 0
echo made >> "$COUNT"
while [ "$1" != "-o" ]; do shift; [ $# = 0 ] && exit 0; done; echo no > "$2"
"""


def test_a_library_that_cannot_be_loaded_is_a_reason_and_is_made_once(tmp_path: Path) -> None:
    compiler = script(tmp_path / "c++", BUILDS_NONSENSE)
    count = tmp_path / "count"
    first, said = missing(tmp_path, CXX=compiler, COUNT=str(count))
    assert "file too short" in first or "invalid ELF" in first
    assert "compiling" in said and "Traceback" not in said
    made = count.read_text()
    second, said = missing(tmp_path, CXX=compiler, COUNT=str(count))
    assert second.startswith(f"it is not compiled again before {tmp_path}/cache")
    assert said == f"kernels: {second}; torch's own operations are used"
    assert count.read_text() == made


def test_a_damaged_library_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    monkeypatch.setattr(library, "_load", lambda path: _sound(path))
    monkeypatch.setattr(library, "make", lambda path: (made.append(path), path.write_text("good")))
    path = tmp_path / "library.so"
    path.write_text("damaged")
    library._load_kept(path)
    library._load_kept(path)
    assert made == [path]


def _sound(path: Path) -> None:
    if path.read_text() != "good":
        raise building.BuildError("it cannot be loaded")


NOEXEC = os.statvfs_result((4096, 4096, 1, 1, 1, 1, 1, 1, getattr(os, "ST_NOEXEC", 8), 255))


@pytest.fixture
def noexec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> set[Path]:
    """Folders that are made as if mounted so; the cache is one."""
    if not hasattr(os, "ST_NOEXEC"):
        pytest.skip("this system does not tell")
    cache = tmp_path / "home"
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    monkeypatch.setattr(building.tempfile, "gettempdir", lambda: str(tmp_path))
    folders, usual = {cache}, os.statvfs
    cache.mkdir()
    monkeypatch.setattr(os, "statvfs", lambda path: NOEXEC if path in folders else usual(path))
    return folders


def test_where_nothing_can_be_loaded_from_the_cache_a_temporary_folder_is_taken(
    tmp_path: Path, noexec: set[Path]
) -> None:
    need_library()
    folder = tmp_path / f"pdas-kernels-{os.getuid()}"
    assert building.kept().is_relative_to(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    noexec.clear()
    assert building.kept().is_relative_to(tmp_path / "home")


def test_without_any_folder_to_load_from_nothing_is_compiled(
    tmp_path: Path, noexec: set[Path]
) -> None:
    need_library()
    noexec.add(tmp_path)
    with pytest.raises(building.BuildError, match="mounted with noexec"):
        building.kept()


def test_a_temporary_folder_that_others_can_write_is_refused(
    tmp_path: Path, noexec: set[Path]
) -> None:
    need_library()
    folder = tmp_path / f"pdas-kernels-{os.getuid()}"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(building.BuildError, match="not this user's alone"):
        building.kept()
    folder.rmdir()
    folder.symlink_to(tmp_path / "home")
    with pytest.raises(building.BuildError, match="not this user's alone"):
        building.kept()


def test_a_cache_that_cannot_be_written_is_a_reason(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    reason, _ = missing(tmp_path, CXX=script(tmp_path / "c++", "exit 0"))
    assert reason.startswith("cannot write ")


def test_the_name_has_all_that_a_library_depends_on(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {building.file_name(each) for each in building.instruction_sets()}
    assert len(names) == len(building.instruction_sets())
    assert all(str(torch.__version__) in name for name in names)
    name = building.file_name("default")
    monkeypatch.setattr(torch, "__version__", "0.0")
    assert building.file_name("default") != name


def test_another_source_has_another_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = building.file_name("default")
    (tmp_path / "one.cpp").write_text("")
    monkeypatch.setattr(building, "SOURCES", tmp_path)
    assert building.file_name("default") != name


def test_the_instruction_set_is_that_of_the_processor() -> None:
    asked = "from pdas.kernels.building import instruction_set; print(instruction_set())"
    for capability in ("default", "avx2"):
        values = {**os.environ, "ATEN_CPU_CAPABILITY": capability}
        done = subprocess.run(
            [sys.executable, "-c", asked], env=values, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() in (capability, "default")


def test_several_processes_make_one_library_between_them(tmp_path: Path) -> None:
    need_library()
    counting = f'echo made >> {tmp_path}/count; sleep 1; exec "{building.find_compiler()}" "$@"'
    empty = tmp_path / "sources"
    empty.mkdir()
    (empty / "one.cpp").write_text("int pdas_one() { return 1; }\n")
    program = (
        "import sys; from pathlib import Path; from pdas.kernels import building\n"
        "building.SOURCES = Path(sys.argv[1])\n"
        "path = building.kept(); building.make(path); print(path)"
    )
    values = {
        **os.environ,
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "CXX": script(tmp_path / "c++", f'[ "$1" = -dumpversion ] && exit 0; {counting}'),
    }
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(empty)],
            env=values,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for _ in range(3)
    ]
    paths = {process.communicate()[0].strip() for process in running}
    (path,) = paths
    assert Path(path).is_file()
    assert (tmp_path / "count").read_text().count("made") == 2  # one source and the link


def test_a_library_of_the_package_is_taken_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "SHIPPED", tmp_path)
    assert building.shipped() is None
    (tmp_path / building.file_name(building.instruction_set())).write_bytes(b"")
    assert building.shipped() is not None
