"""The result of a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from pdas.drawing.modules.overview import Overview
from pdas.methods.base import SearchMethod
from pdas.methods.constraints.wrapper import Wrapper
from pdas.methods.optimizer import Optimizer
from pdas.searches.finalists import Finalist
from pdas.space import Architecture
from pdas.space.decided import NOTHING_LEARNED, ThetaHistory
from pdas.space.most_probable import most_probable
from pdas.support.arrays import FloatArray
from pdas.support.display.shown import Shown
from pdas.support.errors import SettingError
from pdas.support.refusals import check_integer, refuse
from pdas.training.loop import Progress

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame

LOOKED_AT = 20_000  # of the most probable architectures, for those within a limit


@dataclass(repr=False)
class SearchResult(Shown):
    """The result of a search. `on_epoch` is called with the result after each epoch.

    Attributes:
        architecture: the best one of the finalists, or of the method if there are none.
        method: the method in its state at the end.
        history: the progress at the end of each epoch.
        theta: the probabilities at the start and after each epoch, each `(D, K_max)`; empty for a
            method that has none.
        seconds: the time that the search took.
        finalists: the architectures compared at the end, the best first; empty if
            `settings.finalists` is 0.
        stopped: why the search ended before its planned end: "max_minutes", "patience",
            "stop_when_decided", "on_step" or "interrupted" (Ctrl-C); None if it did not.
        network: the modules of a network of one's own, by which a notebook draws it; else None.
        look: what the last look of a run measured; empty without a run directory. See `last_look`.

    Example:
        result = pdas.search(net, loss, data)
        print(result)
        net.derive(result.architecture)
    """

    architecture: Architecture
    method: SearchMethod
    history: list[Progress] = field(default_factory=list)
    theta: list[FloatArray] = field(default_factory=list)
    seconds: float = 0.0
    finalists: list[Finalist] = field(default_factory=list)
    stopped: str | None = None
    network: Overview | None = None
    look: Mapping[str, Any] = field(default_factory=dict)

    @property
    def optimizer(self) -> Optimizer:
        """The optimizer of the method, without limit or penalty around it.

        Raises:
            AttributeError: the method has none.
        """
        optimizer: Any = self.method.optimizer  # type: ignore[attr-defined]
        while isinstance(optimizer, Wrapper):
            optimizer = optimizer.optimizer
        return optimizer  # type: ignore[no-any-return]

    @property
    def theta_history(self) -> ThetaHistory | None:
        """The probabilities with their steps and bounds; None for a method that has none."""
        if not self.theta:
            return None
        sizes, theta_max = self.architecture.space.sizes, self.method.theta_max
        return ThetaHistory(
            np.array([0, *(progress.step for progress in self.history)], float),
            np.array(self.theta),
            sizes,
            np.ones(len(sizes)) if theta_max is None else np.asarray(theta_max),
        )

    @property
    def nothing_learned(self) -> bool:
        """Whether theta ended as it began, to the last bit.

        That is so where all losses of each step were equal, or where theta was never told any. Then
        `architecture` is arbitrary, or the best of finalists that were drawn at random. It is False
        for a method without theta, which cannot be asked, and for a space without a choice.
        """
        if not self.theta or (self.architecture.space.sizes == 1).all():
            return False
        return np.array_equal(self.theta[0], np.asarray(self.method.theta_array))

    def top(self, k: int = 10) -> list[tuple[Architecture, float]]:
        """The most probable architectures under theta at the end, with their probabilities.

        All are within the limit of the search, if it has one. The probabilities are those of theta,
        which knows no limit. Finalists and penalties count for nothing here. Architectures that
        differ only in choices that are not in use are told apart.

        Args:
            k: how many; there are fewer if the space has fewer.

        Raises:
            SettingError: the method has no theta; or fewer than k of the 20,000 most probable
                architectures are within the limit.
        """
        check_integer("k", k, 1)
        if (theta := self.method.theta_array) is None:
            refuse(
                SettingError,
                "top",
                found=f"{type(self.method).__name__}, which has no theta",
                expected="a method that has",
                remedy="take result.architecture",
            )
        space = self.architecture.space
        found = (
            (space.architecture(indices), p) for indices, p in most_probable(theta, space.sizes)
        )
        optimizer = getattr(self.method, "optimizer", None)
        limits = getattr(optimizer, "limits", ()) if isinstance(optimizer, Wrapper) else ()
        if not limits:
            return list(islice(found, k))
        looked_at = list(islice(found, max(k, LOOKED_AT)))
        within = [(a, p) for a, p in looked_at if all(limit.holds(a) for limit in limits)]
        if len(within) < k and len(looked_at) >= LOOKED_AT:
            refuse(
                SettingError,
                "top",
                found=f"{len(within)} of the {len(looked_at):,} most probable architectures within "
                "the limit",
                expected=f"{k}",
                remedy="ask for fewer",
            )
        return within[:k]

    def to_frame(self) -> DataFrame:
        """The history as a data frame of pandas: a row for each epoch, as in `metrics.csv`.

        Raises:
            SettingError: pandas is not installed.
        """
        try:
            from pandas import DataFrame
        except ImportError:
            refuse(
                SettingError,
                "to_frame",
                found="no pandas",
                expected="it to be installed",
                remedy="pip install pandas, or read result.history",
            )
        return DataFrame([progress.row() for progress in self.history])

    def plot(self) -> Figure:
        """How far theta is decided, what else the method measures, and the losses, over the steps.

        Returns:
            A figure of matplotlib, which notebooks show; `savefig("search.png")` keeps it.

        Raises:
            SettingError: the search had no steps.
        """
        from pdas.drawing.search_plot import search_figure  # needs matplotlib

        if not self.history:
            refuse(SettingError, "plot", found="a search without steps", expected="some")
        rows = [progress.row() for progress in self.history]
        columns = dict.fromkeys(name for row in rows for name in row)
        metrics = {name: np.array([row.get(name, np.nan) for row in rows]) for name in columns}
        return search_figure(self.theta_history, metrics)

    def __repr__(self) -> str:
        table = [tuple(map(str, row)) for row in self.table()]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in table]
        return "\n".join([f"SearchResult: {self.summary()}", *(f"  {line}" for line in lines)])

    def summary(self) -> str:
        """The course of the search in a line."""
        last = self.history[-1] if self.history else None
        is_under_way = last is not None and last.step < last.steps and self.stopped is None
        said = [NOTHING_LEARNED] if self.nothing_learned and not is_under_way else []
        if last is not None:
            said.append(f"{last.step} of {last.steps} steps in {self.seconds:.1f} s")
            if (decided := last.measures.get("decided")) is not None:
                said.append(f"share of theta decided {decided:.3f}")
        if self.finalists:
            said.append(f"the best of {len(self.finalists)} finalists")
        if self.stopped:
            said.append(f"ended early ({self.stopped})")
        return "; ".join(said or [f"{type(self.method).__name__}, which has no steps"])

    def table(self) -> list[tuple[object, ...]]:
        """Of each variable the chosen label and, if there is theta, its probability and largest.

        Returns:
            The headings, then a row for each variable.
        """
        labels = self.architecture.to_dict()
        history = self.theta_history
        if history is None:
            return [("variable", "chosen"), *labels.items()]
        chosen = [part[i] for part, i in zip(history.last, self.architecture.indices, strict=True)]
        rows = [
            (name, label, f"{p:.3f}", f"{most:.3f}")
            for (name, label), p, most in zip(
                labels.items(), chosen, history.theta_max, strict=True
            )
        ]
        return [("variable", "chosen", "probability", "at most"), *rows]

    def add_theta(self) -> None:
        """Append the current probabilities, if there are any."""
        theta = self.method.theta_array
        if theta is not None:
            self.theta.append(np.array(theta))  # a copy, since the method may change its own

    def add_epoch(self, history: Sequence[Progress]) -> None:
        """Take the state of the search at the end of an epoch."""
        self.add_theta()
        self.architecture = self.method.best()
        self.set_history(history)

    def set_history(self, history: Sequence[Progress]) -> None:
        """Take the progress at the end of each epoch."""
        self.history = list(history)
        self.seconds = history[-1].seconds

    def add_finalists(self, finalists: Sequence[Finalist], seconds: float) -> None:
        """Take the finalists, the best first, and the time of the whole search."""
        self.finalists = list(finalists)
        self.architecture = self.finalists[0].architecture
        self.seconds = seconds

    def state_dict(self) -> dict[str, Any]:
        """What the last epoch gave; the states of the method and of the loop have all else."""
        return {
            "architecture": self.architecture.to_dict(),
            "theta": [theta.tolist() for theta in self.theta],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from `state_dict`."""
        self.architecture = self.architecture.space.architecture(state["architecture"])
        self.theta = [np.array(theta) for theta in state["theta"]]
