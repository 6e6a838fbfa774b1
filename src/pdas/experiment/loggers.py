"""The measures of every epoch for TensorBoard or W&B, as in `metrics.csv`, by Fabric's loggers."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

from pdas.distributed.fabric import Logger, TensorBoardLogger
from pdas.runs.run import Run
from pdas.support.errors import SettingError, reason
from pdas.support.refusals import check_one_of

_MODULES = {"tensorboard": ("tensorboard",), "wandb": ("wandb", "pytorch_lightning")}
LOGGERS = tuple(_MODULES)

Rows = Sequence[Mapping[str, float | int]]


def check_logger(name: str | None) -> None:
    """Check the name of a logger.

    Raises:
        SettingError: it is unknown or not installed.
    """
    if name is None:
        return
    check_one_of("--logger", name, LOGGERS, remedy="metrics.csv is always written")
    missing = [module for module in _MODULES[name] if find_spec(module) is None]
    if missing:
        needed = " and ".join(missing)
        remedy = f"pip install 'pdas-nas[{name}]'"
        raise SettingError(f"--logger: found {name!r}, which needs {needed}; {remedy}")


@contextmanager
def epoch_log(name: str | None, directory: Path, stage: str) -> Iterator[Callable[[Rows], None]]:
    """Open a logger for a stage.

    A resumed stage logs its epochs from the first again: TensorBoard in place of what was there,
    W&B as another run of the same group.

    Args:
        name: one of `LOGGERS`, or None for none.
        directory: of the stage; the logger writes below it.
        stage: "search" or "retrain", the prefix of the logged names.

    Yields:
        What logs rows. It is called with those of all epochs until now, and logs each once.

    Raises:
        SettingError: W&B does not begin.
        RunError: the directory of the logger is a link.
    """
    if name is None:
        yield lambda rows: None
        return
    own = Run(directory).inner(name)
    began = own.exists()
    logger = _tensorboard(directory) if name == "tensorboard" else _wandb(directory)
    logged = 0

    def log(rows: Rows) -> None:
        nonlocal logged
        for row in rows[logged:]:
            measures = {f"{stage}/{key}": value for key, value in row.items() if key != "step"}
            logger.log_metrics(measures, step=int(row["step"]))
        logged = len(rows)
        logger.save()

    try:
        yield log
    finally:
        _close(name, logger)
        if not began and not logged:  # the stage failed in its first epoch
            shutil.rmtree(own, ignore_errors=True)


def _tensorboard(directory: Path) -> Logger:
    for file in (directory / "tensorboard").glob("events.out.tfevents.*"):
        file.unlink()
    return TensorBoardLogger(directory, name="", version="tensorboard")


def _wandb(directory: Path) -> Logger:
    from pytorch_lightning.loggers import WandbLogger  # slow to import, and only here

    path = directory.resolve()
    group = path.parent.name if path.name.startswith("retrain-") else path.name
    logger: Any = WandbLogger(save_dir=directory, project="pdas", name=path.name, group=group)
    try:
        assert logger.experiment  # now, before hours of training
    except Exception as error:  # of its service, its login, its settings
        state = f"found that W&B does not begin ({reason(error, 150)})"
        remedy = "`wandb login`, or set WANDB_MODE=offline in the environment"
        raise SettingError(f"--logger: {state}; {remedy}") from error
    return cast(Logger, logger)


def _close(name: str, logger: Any) -> None:
    if name == "wandb":
        logger.experiment.finish()
    else:
        logger.finalize("success")
