"""What a problem is: data with a test set, a network with choices, a limit, a final training.

All problems have the same interface, so that every method of search meets the same question:
which architecture within the limit has the smallest test error after the final training?
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import TensorDataset

import pdas
from pdas.space import Architecture, Label

BATCH = 64
FORWARD = 1 / 3  # of a training pass, which goes forward and backward over one batch

Examples: TypeAlias = tuple[Tensor, Tensor]  # inputs and targets
Model: TypeAlias = Callable[[Tensor], Tensor]


def classification_loss(model: Model, batch: list[Tensor]) -> Tensor:
    """Cross entropy of a batch of inputs and classes."""
    return cross_entropy(model(batch[0]), batch[1])


def wrong(outputs: Tensor, classes: Tensor) -> float:
    """Percent of examples whose largest output is not that of their class."""
    return 100 * float((outputs.argmax(1) != classes).float().mean())


@dataclass(frozen=True)
class Problem:
    """A search problem. No search sees the test set.

    Attributes:
        name: of the problem, as in the table.
        train: the examples of the search and of the final training.
        test: the examples of the test error, used once, after the final training.
        module: makes a network with choices.
        maximum: how many weights a network may have.
        epochs: of the final training, over all of `train`.
        optimizer: of the weights in the final training; its learning rate falls to 0 by cosine.
        guesses: three architectures of an expert, written down before any result was seen.
        clip: largest norm of the gradient in the final training.
        loss: of a model on a batch, as `pdas.search` takes it.
        error: of outputs for their targets, in percent.
    """

    name: str
    train: Examples
    test: Examples
    module: Callable[[], nn.Module]
    maximum: int
    epochs: int
    optimizer: Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]
    guesses: tuple[Mapping[str, Label], ...]
    clip: float = math.inf
    loss: Callable[[Model, list[Tensor]], Tensor] = classification_loss
    error: Callable[[Tensor, Tensor], float] = wrong

    @property
    def data(self) -> TensorDataset:
        """The training examples as a data set."""
        return TensorDataset(*self.train)

    @cached_property
    def net(self) -> pdas.nn.Supernet:
        """A supernet that is never trained: it derives networks and knows what they cost."""
        return pdas.nn.Supernet(self.module())

    @cached_property
    def limit(self) -> pdas.Limit:
        """The limit on the number of weights."""
        return pdas.Limit(self.net.cost("parameters"), self.maximum)

    @property
    def passes(self) -> int:
        """Training passes of the final training, which are its steps."""
        return self.epochs * (len(self.train[0]) // BATCH)

    def draw(self, rng: np.random.Generator) -> Architecture:
        """A uniform architecture within the limit."""
        while True:
            architecture = self.net.space.uniform(rng)
            if self.limit.holds(architecture):
                return architecture

    def middle(self) -> Architecture:
        """The middle category of every variable, made smaller until it is within the limit."""
        space = self.net.space
        architecture = space.architecture([(int(size) - 1) // 2 for size in space.sizes])
        while not self.limit.holds(architecture):
            architecture = min(_neighbours(architecture), key=self.limit.cost)
        return architecture

    def guessed(self) -> list[Architecture]:
        """The guesses of the expert; a variable that is not in use takes its first category."""
        first = {v.name: v.categories[0] for v in self.net.space.variables}
        return [self.net.space.architecture(first | dict(guess)) for guess in self.guesses]

    def test_error(self, architecture: Architecture, seed: int) -> float:
        """Percent of error on the test set after a final training with fresh weights."""
        training = Training(self, architecture, self.train, seed)
        training.run_to(self.epochs)
        return training.error(self.test)


class Training:
    """The training of one architecture, which can pause after any part of its epochs.

    The learning rate is that of a training of all `problem.epochs` epochs, so a paused training
    and one without a pause are the same.
    """

    def __init__(
        self, problem: Problem, architecture: Architecture, examples: Examples, seed: int
    ) -> None:
        net = problem.net  # when it is first made it draws weights, so before the seed
        torch.manual_seed(seed)  # of the fresh weights, and of dropout
        self.network = net.derive(architecture)
        self.passes = 0.0  # spent until now, those of errors on held-out examples included
        self._problem = problem
        self._examples = examples
        self._steps = 0
        self._per_epoch = len(examples[0]) // BATCH
        self._optimizer = problem.optimizer(self.network.parameters())
        self._schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
            self._optimizer, problem.epochs * self._per_epoch
        )
        self._generator = torch.Generator().manual_seed(seed)
        self._batches: Iterator[Tensor] = iter(())

    def run_to(self, epochs: float) -> None:
        """Train until so many epochs are done. Weights that become NaN give the largest error."""
        self.network.train()
        while self._steps < round(epochs * self._per_epoch):
            batch = self._next_batch()
            self._optimizer.zero_grad(set_to_none=True)
            self._problem.loss(self.network, batch).backward()
            if math.isfinite(self._problem.clip):
                nn.utils.clip_grad_norm_(self.network.parameters(), self._problem.clip)
            self._optimizer.step()
            self._schedule.step()
            self._steps += 1
            self.passes += 1

    @torch.no_grad()
    def error(self, examples: Examples) -> float:
        """The error in percent on held-out examples."""
        self.passes += FORWARD * len(examples[0]) / BATCH
        outputs = self.network.eval()(examples[0])
        if not torch.isfinite(outputs).all():
            return 100.0
        return self._problem.error(outputs, examples[1])

    @torch.no_grad()
    def loss(self, examples: Examples) -> float:
        """The loss on held-out examples, which `error` was paid for; infinite for NaN."""
        loss = float(self._problem.loss(self.network.eval(), list(examples)))
        return loss if math.isfinite(loss) else math.inf

    def _next_batch(self) -> list[Tensor]:
        rows = next(self._batches, None)
        if rows is None:
            order = torch.randperm(len(self._examples[0]), generator=self._generator)
            self._batches = iter(order[: self._per_epoch * BATCH].split(BATCH))
            rows = next(self._batches)
        return [part[rows] for part in self._examples]


def shuffled(examples: Examples, train: int, test: int) -> tuple[Examples, Examples]:
    """So many examples for training and for the test, always the same ones."""
    order = torch.randperm(len(examples[0]), generator=torch.Generator().manual_seed(0))
    rows = (order[:train], order[train : train + test])
    first, second = ((examples[0][part], examples[1][part]) for part in rows)
    return first, second


def standardised(train: Examples, test: Examples) -> tuple[Examples, Examples]:
    """Inputs with mean 0 and deviation 1 in training, of each column of a table, of all pixels."""
    dims = (0,) if train[0].ndim == 2 else tuple(range(train[0].ndim))
    mean, std = train[0].mean(dims), train[0].std(dims)
    first, second = (((x - mean) / std, y) for x, y in (train, test))
    return first, second


def _neighbours(architecture: Architecture) -> Iterator[Architecture]:
    """All that differ in one variable, by one category."""
    space, indices = architecture.space, architecture.indices
    for i, size in enumerate(space.sizes):
        for category in (indices[i] - 1, indices[i] + 1):
            if 0 <= category < size:
                changed = indices.copy()
                changed[i] = category
                yield space.architecture(changed)
