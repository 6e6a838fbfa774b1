"""Where the runs of a sweep or of a comparison go: processes of this machine, each with a GPU."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, nullcontext

from pdas.distributed.gpus import gpu_environments, visible_gpus
from pdas.distributed.processes import Processes, check_workers
from pdas.support.cores import cores
from pdas.support.errors import SettingError
from pdas.support.refusals import refuse
from pdas.tasks.recipe import Recipe


@contextmanager
def run_processes(
    recipe: Recipe, workers: int | None, executor: Executor | None, at_most: int | None = None
) -> Iterator[Executor]:
    """Where the runs of a recipe go.

    Args:
        recipe: whose device says whether they need GPUs.
        workers: runs at a time; None is one for each core, or for each GPU.
        executor: of the caller, which is used instead and left open.
        at_most: runs, where None of workers need not be more.

    Yields:
        New processes, which are told their GPU, or `executor`.
    """
    if executor is not None:
        yield executor
        return
    if workers is None:
        workers = min(default_workers(recipe), at_most or cores())
    told = gpu_environments(workers) if _on_gpus(recipe) else nullcontext(None)
    with told as environments, Processes(workers, environments=environments) as pool:
        yield pool


def check_executor(workers: int | None, executor: Executor | None) -> None:
    """Check how many runs are asked for at a time.

    Raises:
        SettingError: more than there are cores, or beside an executor.
    """
    if workers is None:
        return
    if executor is not None:
        refuse(
            SettingError,
            "workers",
            found=f"{workers} beside an executor, which has its own",
            expected="one of the two",
        )
    check_workers(workers)


def default_workers(recipe: Recipe) -> int:
    """Runs at a time where nobody says: one for each core, or for each GPU.

    Args:
        recipe: that of the runs.
    """
    if recipe.device.accelerator == "mps":
        return 1
    return min(len(visible_gpus()), cores()) if _on_gpus(recipe) else cores()


def _on_gpus(recipe: Recipe) -> bool:
    return recipe.device.accelerator in ("auto", "cuda") and bool(visible_gpus())
