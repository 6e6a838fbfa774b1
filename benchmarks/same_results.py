"""Whether two checkouts compute the same, bit for bit: searches, retrainings, and resumed ones.

    python benchmarks/same_results.py --before PATH --after PATH [--short] [--only NAME ...]

Runs the same commands and programs in both checkouts, one after the other, with one thread on the
CPU, and compares all that they write but times and settings. The second one is also stopped and
resumed. Ends with status 1 if anything differs.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from same_files import compare, results
from same_programs import OBSERVER, OWN_NETWORK

RENAMED: Mapping[str, str] = {
    "yardsticks": "baselines"
}  # columns and measures that have another name after, by that before
RENAMED_SETTINGS: Mapping[str, str] = {}  # those that the commands below set, likewise
LENGTH = re.compile(r"(= pdas\.search\(.*?)?\b((?:epochs|steps|warmup)=)(\d+)", re.DOTALL)
EXAMPLES = ("tabular", "sequence", "images", "own_loop")


class FailedError(Exception):
    """A run ended otherwise than it should."""


@dataclass(frozen=True)
class Side:
    """One of those that are compared: a checkout, and the names that it has for settings."""

    title: str
    checkout: Path
    settings: Mapping[str, str]
    resumed: bool = False


@dataclass(frozen=True)
class Stop:
    """When a process is stopped: so many seconds after a new checkpoint of this step or later."""

    checkpoints: str  # a pattern of files
    step: int = 1
    seconds: float = 0.0
    signal: signal.Signals = signal.SIGKILL


@dataclass(frozen=True)
class Job:
    """One command in a directory of its own.

    Attributes:
        arguments: of Python, for a side and the directory, which this may fill.
        resuming: what is added to the arguments of a run that is stopped and resumed.
        stops: one after the other; none if it is only run to the end.
    """

    name: str
    arguments: Callable[[Side, Path], list[str]]
    resuming: tuple[str, ...] = ()
    stops: tuple[Stop, ...] = ()


def recipe_job(recipe: str, settings: Mapping[str, str], slow: float) -> Job:
    """`pdas run`, stopped twice in its search and once in its retraining."""

    def arguments(side: Side, folder: Path) -> list[str]:
        own = {"device.accelerator": "cpu", **settings}
        pairs = [f"{side.settings.get(name, name)}={value}" for name, value in own.items()]
        sets = [word for pair in pairs for word in ("--set", pair)]
        return ["-m", "pdas.cli", "run", recipe, "--quiet", "--out", "run", *sets]

    search, retraining = "run/checkpoint/step-*.ckpt", "run/retrain-*/checkpoint/step-*.ckpt"
    stops = (
        Stop(search, seconds=slow, signal=signal.SIGINT),  # which leaves a checkpoint of that step
        Stop(search, seconds=slow / 2),
        Stop(retraining, seconds=slow / 2),
    )
    return Job(recipe, arguments, ("--resume",), stops)


def program_job(name: str, text: Callable[[Path], str], stops: tuple[Stop, ...] = ()) -> Job:
    """A program, by its text in a checkout, under the observer."""

    def arguments(side: Side, folder: Path) -> list[str]:
        (folder / "observer.py").write_text(OBSERVER)
        (folder / "program.py").write_text(text(side.checkout))
        return ["observer.py", "program.py"]

    return Job(name, arguments, ("kept",), stops)


def example_text(name: str, short: bool) -> Callable[[Path], str]:
    """The checkout's own example, or with a third of its search and a tenth of other lengths."""

    def lower(match: re.Match[str]) -> str:
        return f"{match[1] or ''}{match[2]}{max(int(match[3]) // (3 if match[1] else 10), 1)}"

    def text(checkout: Path) -> str:
        whole = (checkout / "examples" / f"{name}.py").read_text()
        return LENGTH.sub(lower, whole) if short else whole

    return text


def jobs(short: bool) -> list[Job]:
    """All that is run, in this order."""
    digits = {"search.epochs": "3", "retrain.epochs": "2"} if short else {}
    photos = {"search.steps": "60", "retrain.steps": "60"}
    if short:  # biharmonic inpainting of the test images takes longest
        photos = {"search.steps": "40", "retrain.steps": "20", "data.test_images": "2"}
    own_stops = (
        Stop("kept/*.ckpt", seconds=0.7, signal=signal.SIGINT),
        Stop("kept/*.ckpt", seconds=0.3),
        Stop("kept/*.ckpt", step=601),  # among the finalists
    )
    return [
        recipe_job("digits", digits, 1.0 if short else 5.0),
        recipe_job("inpaint-photos", photos, 1.0 if short else 5.0),
        program_job("own network", lambda _: OWN_NETWORK, own_stops),
        *(program_job(f"{name}.py", example_text(name, short)) for name in EXAMPLES),
    ]


def start(checkout: Path, arguments: list[str], folder: Path) -> subprocess.Popen[bytes]:
    """Python in the directory with the package of a checkout, in a process group of its own."""
    environment = {**os.environ, "PYTHONPATH": str(checkout / "src"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *arguments]
    with (folder / "printed.txt").open("wb") as out, (folder / "errors").open("wb") as errors:
        return subprocess.Popen(
            command, cwd=folder, env=environment, stdout=out, stderr=errors, start_new_session=True
        )


def run(job: Job, side: Side, folder: Path) -> float:
    """Run a job to its end, with its stops if it is to be resumed; the seconds it took."""
    folder.mkdir()
    begin = time.monotonic()
    arguments = job.arguments(side, folder) + list(job.resuming if side.resumed else ())
    for stop in job.stops if side.resumed else ():
        known = set(folder.glob(stop.checkpoints))
        end_at(start(side.checkout, arguments, folder), stop, folder, known)
    if start(side.checkout, arguments, folder).wait():
        said = (folder / "errors").read_text().strip() or "nothing was said"
        raise FailedError(f"failed: {said.splitlines()[-1]}")
    return time.monotonic() - begin


def end_at(process: subprocess.Popen[bytes], stop: Stop, folder: Path, known: set[Path]) -> None:
    """Stop a process when a checkpoint is there that was not known before."""
    while process.poll() is None:
        new = set(folder.glob(stop.checkpoints)) - known
        if any(int(path.stem.split("-")[1]) >= stop.step for path in new):
            time.sleep(stop.seconds)
            break
        time.sleep(0.005)
    if process.poll() is None:
        os.killpg(process.pid, stop.signal)
    if process.wait() == 0:
        raise FailedError(f"ended before it could be stopped at {stop.checkpoints}")


def check(job: Job, before: Path, after: Path, folder: Path) -> bool:
    """Run a job in both checkouts, print what is the same, and tell whether all is."""
    sides = [Side("before", before, {}), Side("after", after, RENAMED_SETTINGS)]
    if job.stops:
        sides.append(Side("after, resumed", after, RENAMED_SETTINGS, resumed=True))
    same, reference = True, {}
    for side in sides:
        place = folder / side.title.replace(", ", "-")
        try:
            seconds = run(job, side, place)
        except FailedError as error:
            print(f"{job.name}: {side.title}: {error}", flush=True)
            return False
        print(f"{job.name}: {side.title}: took {seconds:.1f} s", flush=True)
        if side.title == "before":
            reference = results(place, RENAMED)
        else:
            same &= compare(f"{job.name}: {side.title}", reference, results(place, {}))
    return same


def check_package(checkout: Path) -> None:
    """End with an error if another package than the checkout's would be imported."""
    command = [sys.executable, "-c", "import pdas; print(pdas.__file__)"]
    environment = {**os.environ, "PYTHONPATH": str(checkout / "src")}
    found = subprocess.run(
        command, cwd=tempfile.gettempdir(), env=environment, capture_output=True, text=True
    )
    if not Path(found.stdout.strip()).is_relative_to(checkout):
        sys.exit(f"{checkout}: found pdas at {found.stdout.strip()}, expected that of src/ there")


def main() -> None:
    """Run what is asked for, and end with status 1 if anything differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for side in ("before", "after"):
        parser.add_argument(f"--{side}", type=lambda path: Path(path).resolve(), required=True)
    parser.add_argument("--short", action="store_true", help="shorter trainings")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="such as digits or tabular.py")
    args = parser.parse_args()
    check_package(args.before)
    check_package(args.after)
    begin, same = time.monotonic(), True
    for job in jobs(args.short):
        if args.only is None or job.name in args.only:
            with tempfile.TemporaryDirectory() as folder:
                same &= check(job, args.before, args.after, Path(folder))
    print(f"{'all the same' if same else 'not the same'}, {time.monotonic() - begin:.0f} s in all")
    sys.exit(not same)


if __name__ == "__main__":
    main()
