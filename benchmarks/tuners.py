"""Methods that choose an architecture of a problem, all for the same number of training passes.

A training pass goes forward and backward over one batch; a forward pass alone counts a third. The
classical methods train candidates by themselves on 4/5 of the training examples, just as the final
training does it, and take the one with the smallest error on the other 1/5. Candidates within the
limit are drawn, others cost nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import optuna
import torch
from problems.base import BATCH, FORWARD, Problem, Training

import pdas
from pdas.space import Architecture
from pdas.support.errors import NotLearnedError

VALIDATION = 0.2  # share of the training examples
PART = 3  # of the candidates of a rung of successive halving, one of so many is continued
RUNGS = (1 / 9, 1 / 3, 1.0)  # of a training
STEP_PASSES = 2 * (1 + FORWARD)  # of `pdas.search`: two samples are trained, and scored

Score: TypeAlias = tuple[float, float]  # validation error in percent, and loss, which decides ties


@dataclass(frozen=True)
class Found:
    """What a method chose, and what it paid.

    Attributes:
        architecture: for the final training.
        passes: training passes that were spent.
        trained: architectures that were trained by themselves, all or part of the way.
        failed: why the method found nothing, in which case the architecture is the middle one.
    """

    architecture: Architecture
    passes: float
    trained: int = 0
    failed: str = ""


class Trials:
    """Trainings of candidates on a part of the training examples, judged on the rest."""

    def __init__(self, problem: Problem, seed: int) -> None:
        self._problem = problem
        self._seeds = np.random.default_rng([seed, 1])  # another one for each candidate
        generator = torch.Generator().manual_seed(seed)
        order = torch.randperm(len(problem.train[0]), generator=generator)
        held_out, kept = order.tensor_split([round(VALIDATION * len(order))])
        inputs, targets = problem.train
        self._train = (inputs[kept], targets[kept])
        self._validation = (inputs[held_out], targets[held_out])
        self.trainings: list[Training] = []

    @property
    def passes(self) -> float:
        """Training passes that all candidates have cost until now."""
        return sum(training.passes for training in self.trainings)

    def cost(self, share: float, scores: int = 1) -> float:
        """Training passes of a share of a training that is scored so often."""
        steps = self._problem.epochs * (len(self._train[0]) // BATCH)
        return share * steps + scores * FORWARD * len(self._validation[0]) / BATCH

    def start(self, architecture: Architecture) -> Training:
        """The training of one more candidate, which has not begun yet."""
        seed = int(self._seeds.integers(2**31))
        self.trainings.append(Training(self._problem, architecture, self._train, seed))
        return self.trainings[-1]

    def score(self, training: Training) -> Score:
        """The error and the loss of a candidate on the held-out examples."""
        return training.error(self._validation), training.loss(self._validation)

    def best(self, candidates: Sequence[Architecture]) -> Found:
        """Train all of them to the end and take the best."""
        scores = []
        for architecture in candidates:
            training = self.start(architecture)
            training.run_to(self._problem.epochs)
            scores.append(self.score(training))
        return self.found(candidates[scores.index(min(scores))])

    def found(self, architecture: Architecture) -> Found:
        """This architecture, with what the candidates cost."""
        return Found(architecture, self.passes, len(self.trainings))


def random_search(problem: Problem, passes: float, seed: int) -> Found:
    """Uniform candidates, each trained to the end."""
    trials, rng = Trials(problem, seed), np.random.default_rng(seed)
    count = int(passes / trials.cost(1.0))
    return trials.best([problem.draw(rng) for _ in range(count)])


def successive_halving(problem: Problem, passes: float, seed: int) -> Found:
    """As many candidates as can be paid; a third of them is continued at each rung of `RUNGS`."""
    trials, rng = Trials(problem, seed), np.random.default_rng(seed)
    count = 1
    while _halving_cost(trials, count + 1) <= passes:
        count += 1
    candidates = [problem.draw(rng) for _ in range(count)]
    running = [(a, trials.start(a)) for a in candidates]
    for share, kept in zip(RUNGS, _rung_sizes(count), strict=True):
        running = running[:kept]
        for _, training in running:
            training.run_to(share * problem.epochs)
        running.sort(key=lambda pair: trials.score(pair[1]))
    return trials.found(running[0][0])


def _rung_sizes(count: int) -> list[int]:
    """How many candidates reach each rung."""
    return [max(count // PART**i, 1) for i in range(len(RUNGS))]


def _halving_cost(trials: Trials, count: int) -> float:
    shares = np.diff(RUNGS, prepend=0.0)
    pairs = zip(_rung_sizes(count), shares, strict=True)
    return sum(size * trials.cost(float(share)) for size, share in pairs)


def tpe(problem: Problem, passes: float, seed: int) -> Found:
    """Optuna's TPE with its median pruner, which is told the validation error after every epoch.

    Both start with 10 and 5 random trials, their defaults, or with fewer where all that can be
    paid is few. A trial above the limit fails before its training.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    trials = Trials(problem, seed)
    whole = trials.cost(1.0, problem.epochs)
    quarter = int(passes / whole) // 4
    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(n_startup_trials=min(10, max(quarter, 3)), seed=seed),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=min(5, max(quarter, 2))),
    )
    scores: dict[Architecture, Score] = {}
    while trials.passes + whole <= passes:
        trial = study.ask()
        architecture = _suggested(problem, trial)
        if not problem.limit.holds(architecture):
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
            continue
        score = _pruned_training(problem, trials, trial, architecture)
        if score is None:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        else:
            study.tell(trial, score[0])
            scores[architecture] = min(score, scores.get(architecture, score))
    return trials.found(min(scores, key=scores.__getitem__))


def _suggested(problem: Problem, trial: optuna.Trial) -> Architecture:
    """The architecture that a trial suggests."""
    space = problem.net.space
    return space.architecture(
        {v.name: trial.suggest_categorical(v.name, list(v.categories)) for v in space.variables}
    )


def _pruned_training(
    problem: Problem, trials: Trials, trial: optuna.Trial, architecture: Architecture
) -> Score | None:
    """The score at the end of a training, or nothing if it was pruned before."""
    training = trials.start(architecture)
    for epoch in range(1, problem.epochs + 1):
        training.run_to(epoch)
        score = trials.score(training)
        trial.report(score[0], epoch)
        if epoch < problem.epochs and trial.should_prune():
            return None
    return score


def middle(problem: Problem, passes: float, seed: int) -> Found:
    """The middle category of every variable, without any search."""
    return Found(problem.middle(), 0.0)


def expert(problem: Problem, passes: float, seed: int) -> Found:
    """The best of the expert's three guesses on the held-out examples."""
    return Trials(problem, seed).best(problem.guessed())


def pdas_search(problem: Problem, passes: float, seed: int, **changes: Any) -> Found:
    """`pdas.search`, which is told the epochs of the final training, as the other methods are."""
    return _search(problem, passes, seed, finalists_epochs=problem.epochs, **changes)


def paper(problem: Problem, passes: float, seed: int) -> Found:
    """`pdas.search` with the settings of the paper."""
    return _search(problem, passes, seed, preset="paper")


def _search(problem: Problem, passes: float, seed: int, **settings: Any) -> Found:
    """`pdas.search` of a length of so many passes, by its own accounting."""
    torch.manual_seed(seed)
    net = pdas.nn.Supernet(problem.module())
    steps = round(passes / STEP_PASSES)
    try:
        result = pdas.search(
            net,
            problem.loss,
            problem.data,
            limit=pdas.Limit(net.cost("parameters"), problem.maximum),
            batch_size=BATCH,
            steps=steps,
            seed=seed,
            **settings,
        )
    except NotLearnedError as error:
        return Found(problem.middle(), steps * STEP_PASSES, failed=str(error))
    trained = sum(finalist.steps > 0 for finalist in result.finalists)
    return Found(result.architecture, steps * STEP_PASSES, trained)


Method: TypeAlias = Callable[[Problem, float, int], Found]

METHODS: dict[str, Method] = {
    "random": random_search,
    "halving": successive_halving,
    "tpe": tpe,
    "middle": middle,
    "expert": expert,
    "paper": paper,
    "pdas": pdas_search,
}
CHANGES: dict[str, dict[str, Any]] = {  # of the default, each by itself
    "no-warmup": {"warmup": 0},
    "two-samples": {"theta_samples": 2},
    "train-mode": {"theta_mode": "train"},
    "whole-eta": {"method": {"eta_scale": 1}},
    "sgd": {"optimizer": "sgd"},
}
CHANGED: dict[str, Method] = {
    name: partial(pdas_search, **settings) for name, settings in CHANGES.items()
} | {"no-finalists": partial(_search, finalists=0)}
WITHOUT_BUDGET = ("middle", "expert")  # the same whatever the budget
