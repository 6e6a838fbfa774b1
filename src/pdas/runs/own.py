"""The run directory of a search or a training of one's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pdas.runs.directory import new_directory
from pdas.runs.run import OWN_NETWORK, Run
from pdas.support.files import locked_directory
from pdas.support.settings import Settings


@contextmanager
def own_directory(
    run: Run, recipe: Settings, network: str, seed: int, *, continues: bool
) -> Iterator[bool]:
    """Make the directory with what is known before the first step, or continue in it.

    After an error before the first epoch, what was written is removed.

    Args:
        run: the directory.
        recipe: what stands for the recipe in `config.yaml`.
        network: the name of its class.
        seed: of the search or the training.
        continues: whether the directory may be there, since there are checkpoints, which know
            whether it is of the same.

    Yields:
        Whether it is new.

    Raises:
        RunError: the directory is taken, or cannot be written.
    """
    if continues and run.has_config and OWN_NETWORK in run.raw_config():
        with locked_directory(run.path):
            yield False
        return
    with new_directory(run.path, "out"):
        try:
            run.write_config(recipe, seed=seed, data_dir=None, about={OWN_NETWORK: network})
            yield True
        except BaseException:
            if not run.has("metrics.csv"):
                run.remove_written()
            raise
