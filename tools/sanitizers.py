"""Run the tests of compiled operators under the sanitizers of addresses and undefined behaviour.

    python -m tools.sanitizers [arguments of pytest]

The operators are compiled anew with checks, by GCC or another compiler that has its sanitizers as
shared libraries. What they find ends the tests with a report of its place.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from pdas.kernels.building import BuildError, find_compiler

TESTS = ("tests/kernels/test_operators.py", "tests/spaces/cells/test_fused.py")
_FLAGS = "-O1 -g -fsanitize=address,undefined -fno-sanitize=vptr -D_GLIBCXX_ASSERTIONS"
_BUILD = "from pdas.kernels import building as b; b.SECONDS = 3000; b.make(b.kept())"


def main() -> None:
    usual = find_compiler()
    with tempfile.TemporaryDirectory() as name:
        checking = Path(name, "c++")
        checking.write_text(f'#!/bin/sh\nexec {usual} "$@" {_FLAGS}\n')
        checking.chmod(0o755)
        environment = {**os.environ, "CXX": str(checking), "XDG_CACHE_HOME": name}
        subprocess.run([sys.executable, "-c", _BUILD], env=environment, check=True)
        environment |= {
            "LD_PRELOAD": " ".join(_shared(usual, each) for each in ("asan", "ubsan")),
            "ASAN_OPTIONS": "detect_leaks=0",  # Python and torch have some of their own
            "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
        }
        tests = ["-q", "-n", "0", "-p", "no:cacheprovider", *(sys.argv[1:] or TESTS)]
        done = subprocess.run([sys.executable, "-m", "pytest", *tests], env=environment)
    sys.exit(done.returncode)


def _shared(compiler: str, sanitizer: str) -> str:
    """The shared library of a sanitizer, which has to be there before Python is."""
    name = f"lib{sanitizer}.so"
    asked = [compiler, f"-print-file-name={name}"]
    path = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    if path == name:  # what a compiler says of a file that it has not
        raise BuildError(f"{compiler} has no {name}")
    return path


if __name__ == "__main__":
    main()
