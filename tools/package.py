"""Build what others install, and check it: nothing is missing, and the wheel works by itself.

    python -m tools.package

builds sdist and wheel into `dist/`. The sdist must hold every file of the repository, as its tests
need them, and the wheel every file of `src/pdas`; the descriptions must be those that an index
takes. Then the wheel is installed into an environment that has nothing else, and a short
`pdas run digits` is started there, in an empty directory.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
SHORT = (
    "data.train_images=200",
    "network.nodes=2",
    "network.channels=4",
    "search.epochs=1",
    "retrain.epochs=1",
    "retrain.weight_limit=20000",
)
MADE = ("architecture.json", "report.html", "retrain-0/result.json")
OURS = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")  # what would lend the other environment ours


def differences(archive: Path, expected: set[str]) -> list[str]:
    """What an sdist or a wheel lacks or has too much, in words.

    Args:
        archive: a `.tar.gz` with one directory, or a `.whl`.
        expected: its files but for the metadata, by path.
    """
    found = _files_of_wheel(archive) if archive.suffix == ".whl" else _files_of_sdist(archive)
    lacks = [f"{archive.name} lacks {name}" for name in sorted(expected - found)]
    return lacks + [f"{archive.name} has {name}" for name in sorted(found - expected)]


def _files_of_wheel(archive: Path) -> set[str]:
    names = zipfile.ZipFile(archive).namelist()
    return {name for name in names if not name.split("/")[0].endswith(".dist-info")}


def _files_of_sdist(archive: Path) -> set[str]:
    with tarfile.open(archive) as files:
        names = [member.name for member in files if member.isfile()]
    return {name.partition("/")[2] for name in names} - {"PKG-INFO"}


def _run(*words: object, cwd: Path = ROOT, **changes: str) -> None:
    environment = {key: value for key, value in os.environ.items() if key not in OURS}
    subprocess.run([*map(str, words)], cwd=cwd, env=environment | changes, check=True)


def _tracked() -> set[str]:
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return set(names.stdout.decode().split("\0")) - {""}


def _start(wheel: Path, folder: Path) -> None:
    """Install a wheel into a new environment in the folder, and run the short search there."""
    uv = [sys.executable, "-m", "uv", "--quiet"]
    binaries, begun = folder / "environment" / "bin", time.perf_counter()
    _run(*uv, "venv", "--python", sys.executable, binaries.parent)
    _run(*uv, "pip", "install", "--python", binaries / "python", wheel)
    print(f"installed in {time.perf_counter() - begun:.0f} s", flush=True)
    (folder / "empty").mkdir()
    changes = [word for change in SHORT for word in ("--set", change)]
    _run(binaries / "pdas", "run", "digits", *changes, cwd=folder / "empty", OMP_NUM_THREADS="1")
    missing = [name for name in MADE if not (folder / "empty/runs/digits-0" / name).is_file()]
    if missing:
        sys.exit(f"pdas run digits: left no {', '.join(missing)}")


def main() -> None:
    """Build, check and start; ends with status 1 and a line for what is wrong."""
    dist = ROOT / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    _run(sys.executable, "-m", "build", "--installer", "uv", "--outdir", dist)
    (sdist,), (wheel,) = dist.glob("*.tar.gz"), dist.glob("*.whl")
    _run(sys.executable, "-m", "twine", "check", "--strict", sdist, wheel)
    tracked = _tracked()
    package = {name.removeprefix("src/") for name in tracked if name.startswith("src/")}
    wrong = differences(sdist, tracked) + differences(wheel, package)
    if wrong:
        sys.exit("\n".join(wrong))
    with TemporaryDirectory() as folder:
        _start(wheel, Path(folder))
    print(f"{sdist.name}: {len(tracked)} files; {wheel.name}: {len(package)} files, and it runs")


if __name__ == "__main__":
    main()
