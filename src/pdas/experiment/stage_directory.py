"""The directory of a stage: a new one, or one that is resumed with the settings it began with."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pdas.distributed.exchange.messages import agreed, wait_for_all
from pdas.distributed.fabric import Fabric
from pdas.resume.checkpoint import Checkpoints
from pdas.runs.directory import new_directory
from pdas.runs.run import Run
from pdas.support.errors import (
    CheckpointError,
    DataError,
    NonFiniteLossError,
    PdasError,
    RankError,
    SettingError,
)
from pdas.support.files import locked_directory
from pdas.support.refusals import refuse
from pdas.tasks.recipe import Recipe, check_same, recorded

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Origin:
    """What a stage begins with. It must be the same when the stage is resumed.

    Attributes:
        recipe: all settings.
        seed: of everything that is drawn.
        data_dir: where the images are; it may change.
        about: more by name, as plain data: the fingerprints of training and test images, and the
            architecture of a retraining.
        kernels: which operators the network uses; these may change.

    Example:
        Origin(recipes.load("digits"), 0, None, {"test_images": "9f2c"})
    """

    recipe: Recipe
    seed: int
    data_dir: Path | None
    about: Mapping[str, Any]
    kernels: str | None = None

    def write(self, run: Run) -> None:
        """Write it into the `config.yaml` of a run.

        Raises:
            RunError: the file cannot be written.
        """
        run.write_config(
            self.recipe,
            seed=self.seed,
            data_dir=self.data_dir,
            about=self.about,
            kernels=self.kernels,
        )


@contextmanager
def stage_directory(
    path: Path, setting: str, origin: Origin, fabric: Fabric, *, resume: bool
) -> Iterator[Run | None]:
    """Make the directory of a stage, or resume the stage that it holds.

    Of several ranks the first makes it, and only the run of the first writes. At the end the
    checkpoints are removed. An error also says which checkpoint is kept.

    Args:
        path: the directory.
        setting: that names it, for messages.
        origin: what the stage begins with.
        fabric: the devices.
        resume: whether `path` may hold the same stage, unfinished or finished.

    Yields:
        The run; None if the stage is already finished there.

    Raises:
        RunError: the directory is taken.
        SettingError, DataError: it would be resumed with something else.
    """
    with _on_first(path, setting, origin, fabric, resume) as run:
        if agreed(fabric, run.is_unfinished):
            _log.info("%s: begins in %s", run.stage, path)
            yield run
            _log.info("%s: ended in %s", run.stage, path)
        else:
            yield None
        run.remove_checkpoints()


@contextmanager
def _on_first(
    path: Path, setting: str, origin: Origin, fabric: Fabric, resume: bool
) -> Iterator[Run]:
    """The run of this rank; the first makes the directory before the others continue."""
    # Patiently, since one machine may have just compiled operators that another had.
    if fabric.is_global_zero:
        with _begun(path, setting, origin, resume) as run:
            wait_for_all(fabric, patiently=True)
            yield run
    else:
        wait_for_all(fabric, patiently=True)
        yield Run(path, writes=False)


@contextmanager
def _begun(path: Path, setting: str, origin: Origin, resume: bool) -> Iterator[Run]:
    run = Run(path)
    if resume and run.has_config:
        with locked_directory(path):
            _check_origin(run, origin)
            with _kept(run):
                yield run
        return
    with new_directory(path, setting), _kept(run), _removed_unless_begun(run):
        origin.write(run)
        yield run


def _check_origin(run: Run, origin: Origin) -> None:
    recipe, seed, _ = recorded(run)
    check_same(origin.recipe, recipe, str(run.path))
    if origin.seed != seed:
        refuse(
            SettingError,
            "--seed",
            found=str(origin.seed),
            expected=f"{seed} as in {run.path}",
            remedy="give it as it was, or begin another run",
        )
    begun_with = run.raw_config()
    for name, value in origin.about.items():
        if begun_with.get(name, value) != value:
            found = f"found another {name.replace('_', ' ')} than {run.path} was begun with"
            remedy = "restore what changed since, or begin another run"
            raise DataError(f"--resume: {found}; {remedy}")
    before = begun_with.get("environment", {}).get("kernels")
    if run.is_unfinished and before != origin.kernels:
        _log.warning(
            "kernels: %s, before the stop %s; the result may differ from that without it",
            origin.kernels,
            before,
        )
    if recipe != origin.recipe and run.is_unfinished:  # by a setting that may change
        origin.write(run)


@contextmanager
def _removed_unless_begun(run: Run) -> Iterator[None]:
    """After an error, remove what was written if it has no metrics of an epoch and no checkpoint.

    So the same command can be given again when the mistake is mended.
    """
    try:
        yield
    except PdasError:
        if not any(kept for name in ("metrics.csv", "*.ckpt") for kept in run.path.rglob(name)):
            run.remove_checkpoints()
            run.remove_written()
        raise


@contextmanager
def _kept(run: Run) -> Iterator[None]:
    """Say what is kept of a training that ends with an error."""
    try:
        yield
    except PdasError as error:
        paths = Checkpoints(run.checkpoint_directory).paths()
        if isinstance(error, CheckpointError | RankError) or not paths:  # they say so
            raise
        # What diverged diverges again from the same checkpoint, so --resume is no remedy.
        how = "" if isinstance(error, NonFiniteLossError) else ", and --resume continues from there"
        raise type(error)(f"{error}; {paths[-1]} is from before{how}") from error


def check_split(recipe: Recipe, searched: Recipe) -> None:
    """Check that a training would have the split of images of its search.

    Raises:
        SettingError: it would not.
    """
    for name in ("name", "test_fraction", "split_seed"):
        found, expected = (getattr(each.data, name) for each in (recipe, searched))
        if found != expected:
            seen = "as in the search, which has seen what would now be test images"
            refuse(
                SettingError,
                f"data.{name}",
                found=repr(found),
                expected=f"{expected!r} {seen}",
                remedy="retrain the run's architecture.json to use other data",
            )


def check_test_images(run: Run, fingerprint: str) -> None:
    """Check that the test images of a run have not changed; a search may have seen others.

    Raises:
        DataError: they have.
    """
    if run.raw_config().get("test_images", fingerprint) != fingerprint:
        found = f"found other images for the test than those of {run.path}"
        change = "with files added, removed or renamed since"
        raise DataError(f"--data-dir: {found}, {change}; restore them, or search again")
