"""The measures of every epoch for TensorBoard or W&B, by Fabric's loggers, as in `metrics.csv`."""

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

_MODULES = {"tensorboard": ("tensorboard",), "wandb": ("wandb", "pytorch_lightning")}
LOGGERS = tuple(_MODULES)

Rows = Sequence[Mapping[str, float | int]]


def check_logger(name: str | None) -> None:
    """Raise `SettingError` for a logger that there is not, or that is not installed."""
    if name is None:
        return
    if name not in _MODULES:
        raise SettingError(
            f"--logger: found {name!r}, expected one of {', '.join(LOGGERS)}; metrics.csv is "
            "always written"
        )
    missing = [module for module in _MODULES[name] if find_spec(module) is None]
    if missing:
        raise SettingError(
            f"--logger: found {name!r}, which needs {' and '.join(missing)}; "
            f"pip install 'pdas-nas[{name}]'"
        )


@contextmanager
def epoch_log(name: str | None, directory: Path, stage: str) -> Iterator[Callable[[Rows], None]]:
    """What logs the rows of a stage, those of all epochs so far, each row once.

    A stage that goes on logs its epochs from the first again, with TensorBoard in place of what was
    there, with W&B as another run of the same group. Raises `SettingError` if W&B does not begin,
    and `RunError` if its directory is a link.
    """
    if name is None:
        yield lambda rows: None
        return
    Run(directory).inner(name)
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


def _tensorboard(directory: Path) -> Logger:
    shutil.rmtree(directory / "tensorboard", ignore_errors=True)
    return TensorBoardLogger(directory, name="", version="tensorboard")


def _wandb(directory: Path) -> Logger:
    from pytorch_lightning.loggers import WandbLogger  # slow to import, and only here

    path = directory.resolve()
    group = path.parent.name if path.name.startswith("retrain-") else path.name
    logger: Any = WandbLogger(save_dir=directory, project="pdas", name=path.name, group=group)
    try:
        assert logger.experiment  # now, before hours of training
    except Exception as error:  # of its service, its login, its settings
        raise SettingError(
            f"--logger: found that W&B does not begin ({reason(error, 150)}); "
            "`wandb login`, or set WANDB_MODE=offline in the environment"
        ) from error
    return cast(Logger, logger)


def _close(name: str, logger: Any) -> None:
    if name == "wandb":
        logger.experiment.finish()
    else:
        logger.finalize("success")
