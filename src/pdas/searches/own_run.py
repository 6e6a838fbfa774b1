"""The run directory of a search in a network of one's own: the files of a recipe's search.

`modules.json` is there besides, the modules of the network, from which the report draws it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any

from torch import nn

from pdas.drawing.modules.overview import Overview
from pdas.methods.settings import SearchSettings
from pdas.nn.overview.tree import overview
from pdas.nn.supernet import Supernet
from pdas.runs.own import own_directory
from pdas.runs.run import Run
from pdas.searches.comparison import OnTrial
from pdas.searches.files import summary, write_finalists, write_look, write_theta
from pdas.searches.method import is_named
from pdas.searches.progress_file import ProgressFile, progress_file
from pdas.searches.result import SearchResult
from pdas.support.settings import Settings
from pdas.training.loop import OnStep

OnEpoch = Callable[[SearchResult], None]


class OwnRecipe(Settings):
    """What stands for the recipe in `config.yaml`.

    Example:
        OwnRecipe(name="digits", search=settings.model_dump(mode="json"))
    """

    name: str
    search: Mapping[str, Any]


class OwnRun:
    """Writes the files of a search as it goes, and gives its result the modules of the network.

    Args:
        network: the modules; None of a network that is no `Supernet`.
        run: the directory; None writes nothing.
        progress: its progress file.
        about: the method and the seed, for `search.json`.

    Example:
        with own_run("runs/mine", net, method, settings, 0) as run:
            run.finished(run_search(..., on_epoch=run.epochs(on_epoch)))
    """

    def __init__(
        self,
        network: Overview | None,
        run: Run | None = None,
        progress: ProgressFile | None = None,
        about: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        self._network = network
        self._run = run
        self._progress = progress
        self._about = about

    def steps(self, on_step: OnStep) -> OnStep:
        """What is called after each step: the progress is written, then comes the user's.

        Args:
            on_step: of the user.
        """
        return on_step if self._progress is None else self._progress.on_step(on_step)

    def trials(self, on_trial: OnTrial) -> OnTrial:
        """What is called after each training of a finalist, as `steps`.

        Args:
            on_trial: of the user.
        """
        return on_trial if self._progress is None else self._progress.on_trial(on_trial)

    def epochs(self, on_epoch: OnEpoch) -> OnEpoch:
        """What is called after each epoch: the files are written, then comes the user's.

        Args:
            on_epoch: of the user.
        """

        def write(result: SearchResult) -> None:
            result.network = self._network
            if (run := self._run) is not None:
                run.write_metrics([progress.row() for progress in result.history])
                write_theta(run, result)
            on_epoch(result)

        return write

    def finished(self, result: SearchResult) -> SearchResult:
        """Write what was found.

        Args:
            result: of the whole search.

        Returns:
            The same.

        Raises:
            RunError: a file cannot be written.
        """
        result.network = self._network
        if (run := self._run) is not None:
            write_finalists(run, result)
            write_look(run, result)
            run.write_json("search.json", {**self._about, **summary(result)})
            run.write_architecture(result.architecture)
        return result


@contextmanager
def own_run(
    out: str | PathLike[str] | None,
    net: nn.Module,
    method: object,
    settings: SearchSettings,
    seed: int,
    *,
    writes: bool = True,
    continues: bool = False,
) -> Iterator[OwnRun]:
    """Make the run directory of a search, or continue in that of the same search.

    After an error before the first epoch, what was written is removed.

    Args:
        out: a new directory; None for none.
        net: the network.
        method: the argument of `pdas.search`.
        settings: of the search.
        seed: of the search.
        writes: whether this rank writes.
        continues: whether `out` may be there, since the search has checkpoints, which know whether
            it is the same search.

    Raises:
        RunError: the directory is taken, or cannot be written.
    """
    network = overview(net) if isinstance(net, Supernet) else None
    if out is None or not writes:
        yield OwnRun(network)
        return
    run = Run(Path(out))
    search = settings.model_dump(mode="json")
    if method is not None and not is_named(method):
        search["method"] = type(method).__name__
    module = net.module if isinstance(net, Supernet) else net
    recipe = OwnRecipe(name=run.name, search=search)
    with (
        own_directory(run, recipe, type(module).__name__, seed, continues=continues) as is_new,
        progress_file(run) as file,
    ):
        if is_new and network is not None:
            run.write_json("modules.json", network.to_json())
        yield OwnRun(network, run, file, {"method": _name(search["method"]), "seed": seed})


def _name(method: object) -> str:
    """Of a method in plain data."""
    return str(method.get("name") if isinstance(method, Mapping) else method)
