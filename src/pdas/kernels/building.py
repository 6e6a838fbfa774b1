"""The compiled library: its name, where it is kept, and how it is made.

The file's name has all that it depends on: torch's version, the system, the instruction set, the
sources. So a home directory shared by several machines has a file for each kind, and none is ever
loaded where it does not fit. torch's own `cpp_extension` is not used: it needs ninja, and waits for
ever where a killed build has left its lock.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import torch

SOURCES = Path(__file__).parent / "cpp"
SHIPPED = Path(__file__).parent / "built"
"""Where tools/kernels.py puts libraries that a wheel should have."""

SECONDS = 300  # that a compiler may take, and that one process waits for another
_COMPILERS = ("c++", "g++", "clang++")
_FLAGS = (
    *("-std=c++20", "-O3", "-fPIC", "-fvisibility=hidden"),
    *("-fno-math-errno", "-fno-trapping-math", "-w"),
)
_INSTRUCTIONS = {
    "avx512": (
        *("-mavx2", "-mfma", "-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl"),
        "-mprefer-vector-width=512",
    ),
    "avx2": ("-mavx2", "-mfma"),
    "default": (),
}
"""Flags of a compiler by instruction set, the names as in `torch.backends.cpu`."""


class BuildError(Exception):
    """The library cannot be made here; the text says why, in one line."""


def instruction_set() -> str:
    """The largest of `_INSTRUCTIONS` that this processor has, as torch sees it."""
    found = torch.backends.cpu.get_cpu_capability().lower()
    return found if found in _INSTRUCTIONS else "default"


def instruction_sets() -> tuple[str, ...]:
    """Those that a library may be built for on this kind of processor."""
    return tuple(_INSTRUCTIONS) if platform.machine() in ("x86_64", "AMD64") else ("default",)


def file_name(instructions: str) -> str:
    """The name of a library, which has all that it depends on but the compiler.

    Args:
        instructions: of `instruction_sets`.
    """
    digest = hashlib.sha256()
    for flag in (*_FLAGS, *_INSTRUCTIONS[instructions]):
        digest.update(flag.encode())
    for source in sorted(SOURCES.iterdir()):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    parts = (
        f"torch-{torch.__version__}",
        sys.platform,
        platform.machine(),
        instructions,
        digest.hexdigest()[:16],
    )
    return "-".join(parts) + ".so"


def shipped() -> Path | None:
    """The library of the package that fits here, if there is one."""
    path = SHIPPED / file_name(instruction_set())
    return path if path.is_file() else None


def kept() -> Path:
    """Where this user's library is or will be.

    Raises:
        BuildError: there is no compiler or no folder, or the library was made and did not load.
    """
    compiler = find_compiler()
    folder = _folder() / f"{Path(compiler).name}-{_version(compiler)}"
    path = folder / file_name(instruction_set())
    failure = _failure(path)
    if failure.is_file():
        text = failure.read_text()
        raise BuildError(f"it is not compiled again before {folder} is deleted: {text}")
    return path


def make(path: Path) -> None:
    """Compile the library, unless another process has just done so.

    Args:
        path: of `kept`.

    Raises:
        BuildError: there is no compiler, it fails, or nothing can be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _one_at_a_time(path.with_name(f"{path.name}.lock")):
            if not path.is_file():
                print("pdas: compiling its operators for this machine, once", file=sys.stderr)
                build(path, instruction_set())
    except OSError as error:
        raise BuildError(f"cannot write {error.filename}: {error.strerror}") from error


def record_failure(path: Path, failure: str) -> None:
    """Record that a library did not load when it was made, so that no later start makes it again.

    Args:
        path: of `kept`.
        failure: why not.
    """
    with suppress(OSError):
        _failure(path).write_text(failure)


def build(path: Path, instructions: str) -> None:
    """Compile the library. The file appears whole or not at all.

    Args:
        path: of the library, in a folder that exists.
        instructions: of `instruction_sets`.

    Raises:
        BuildError: there is no compiler, or it fails.
    """
    compiler = find_compiler()
    torch_folder = Path(torch.__file__).parent
    abi = int(torch.compiled_with_cxx11_abi())
    flags = [*_FLAGS, *_INSTRUCTIONS[instructions], f"-D_GLIBCXX_USE_CXX11_ABI={abi}"]
    include = ["-isystem", str(torch_folder / "include")]
    libraries = [f"-L{torch_folder / 'lib'}", "-ltorch", "-ltorch_cpu", "-lc10"]
    with tempfile.TemporaryDirectory(prefix=".building-", dir=path.parent) as name:
        folder = Path(name)
        sources = sorted(SOURCES.glob("*.cpp"))
        objects = [str(folder / f"{source.stem}.o") for source in sources]
        _run_all(
            [compiler, *flags, *include, "-c", str(source), "-o", target]
            for source, target in zip(sources, objects, strict=True)
        )
        whole = folder / "library.so"
        _run_all([[compiler, "-shared", "-o", str(whole), *objects, *libraries]])
        os.replace(whole, path)


def find_compiler() -> str:
    """The C++ compiler of this machine.

    Raises:
        BuildError: there is none.
    """
    for name in (os.environ.get("CXX", ""), *_COMPILERS):
        found = shutil.which(name)
        if found:
            return found
    raise BuildError("there is no C++ compiler")


def _version(compiler: str) -> str:
    try:
        asked = subprocess.run(
            [compiler, "-dumpversion"], capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except OSError as error:  # a file that is no program
        raise BuildError(f"{Path(compiler).name} fails: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise BuildError(f"{compiler} took more than {SECONDS} s") from error
    return "".join(c for c in asked.stdout if c.isalnum() or c == ".") or "unknown"


def _failure(path: Path) -> Path:
    return path.with_name(f"{path.name}.failed")


def _folder() -> Path:
    """The cache of this user, or a temporary folder where nothing can be loaded from there."""
    home = os.environ.get("XDG_CACHE_HOME")
    try:
        cache = (Path(home) if home else Path.home() / ".cache") / "pdas" / "kernels"
    except RuntimeError as error:
        raise BuildError("there is no home directory to keep it in") from error
    if not _is_noexec(cache):
        return cache
    folder = Path(tempfile.gettempdir()) / f"pdas-kernels-{os.getuid()}"
    if _is_noexec(folder):
        raise BuildError(f"{cache} and {folder} are on file systems mounted with noexec")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise BuildError(f"cannot write {folder}: {error.strerror}") from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise BuildError(f"{folder} is not this user's alone")  # who else could put a library there
    return folder


def _is_noexec(folder: Path) -> bool:
    """Whether the system loads no library from there; where it does not tell, it is tried."""
    try:
        there = next(path for path in (folder, *folder.parents) if path.exists())
        return bool(os.statvfs(there).f_flag & os.ST_NOEXEC)
    except (AttributeError, OSError):  # not on every system
        return False


def _run_all(commands: Iterator[Sequence[str]] | Sequence[Sequence[str]]) -> None:
    """Run the commands side by side and raise `BuildError` if one of them fails."""
    running = [
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        for command in commands
    ]
    try:
        errors = [(process.communicate(timeout=SECONDS)[1], process) for process in running]
    except subprocess.TimeoutExpired as error:
        raise BuildError(f"{error.cmd[0]} took more than {SECONDS} s") from error
    finally:
        for process in running:
            with process:
                if process.poll() is None:  # with the compiler proper, which is a child of its own
                    os.killpg(process.pid, signal.SIGKILL)
    for text, process in errors:
        if process.returncode:
            lines = [line for line in text.splitlines() if "error" in line] or text.splitlines()
            said = " ".join(lines[0].split())[:200] if lines else f"status {process.returncode}"
            raise BuildError(f"{Path(str(process.args[0])).name} fails: {said}")  # type: ignore[index]


@contextmanager
def _one_at_a_time(lock: Path) -> Iterator[None]:
    """Within it, no other process makes the same library.

    The system takes the lock from a process that ends, however it ends. Where there are no such
    locks, or the other one takes too long, several make the library, and the last one is kept.
    """
    try:
        import fcntl
    except ImportError:  # not on every system
        yield
        return
    with lock.open("w") as file:
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(0.1)
                continue
            except OSError:  # of a file system without locks
                pass
            break
        yield
