"""One run of a network in which each choice runs all its candidates, with their multiply-adds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from torch import Tensor, nn

from pdas.nn.choices.choice_point import ChoicePoint
from pdas.nn.conditions import Conditions
from pdas.nn.counting.counter import Counter, Execution, counting
from pdas.nn.modes import evaluating
from pdas.support.errors import reason

Unit = tuple[int, Conditions]
"""What is counted by itself: a module (its id) under the conditions of the candidates around it."""


@dataclass
class CandidateRun:
    """What was seen in a run with one architecture.

    Attributes:
        counts: multiply-adds of each unit, those of the modules inside not included.
        reshaping: (variable, category) whose output differs in shape from the selected one's.
        complete: variables of choices that ran all their candidates.
        output: the shapes of what the module returned.
        uncounted: the names of kernels that may multiply and have no formula.

    Example:
        run = run_candidates(module, (x,), {})
        sum(run.counts.values())  # multiply-adds of all candidates together
    """

    counts: dict[Unit, int] = field(default_factory=lambda: defaultdict(int))
    reshaping: set[tuple[str, int]] = field(default_factory=set)
    complete: set[str] = field(default_factory=set)
    output: Any = None
    uncounted: set[str] = field(default_factory=set)


class MisfitError(Exception):
    """A candidate fails where others of its choice do not.

    Args:
        variable: of the choice.
        category: the index of the candidate.
        why: the error, as text.

    Example:
        raise MisfitError("op", 1, "mat1 and mat2 shapes cannot be multiplied")
    """

    def __init__(self, variable: str, category: int, why: str) -> None:
        super().__init__(why)
        self.variable = variable
        self.category = category


def run_candidates(
    module: nn.Module,
    inputs: Sequence[Any],
    named: Mapping[str, Any],
    execution: Execution | None = None,
) -> CandidateRun:
    """Run a module once, in evaluation mode, with every candidate of each choice.

    Args:
        module: with an architecture selected.
        inputs, named: what it is called with.
        execution: runs the kernels; default as they are.

    Raises:
        MisfitError: a candidate fails where others of its choice do not. Any other error is that of
            the module.
    """
    with evaluating(module), _Replaced() as replaced, counting(execution) as counter:
        return _Runner(module, counter, replaced).run(inputs, named)


def count(
    module: nn.Module,
    inputs: Sequence[Any],
    named: Mapping[str, Any],
    execution: Execution | None = None,
) -> int:
    """The multiply-adds of one call, in evaluation mode.

    Args:
        module: with an architecture selected.
        inputs, named: what it is called with.
        execution: runs the kernels; default as they are.
    """
    with evaluating(module), counting(execution) as counter:
        module(*inputs, **named)
    return counter.total


class _Runner:
    """Counts in the forward of each module, and runs all candidates in that of a choice point."""

    def __init__(self, module: nn.Module, counter: Counter, replaced: _Replaced) -> None:
        self._module = module
        self._counter = counter
        self._run = CandidateRun()
        self._around: list[Conditions] = [Conditions()]
        # What the modules have had that are inside of the one whose forward is under way.
        self._inside = 0
        for part in module.modules():
            forward = part.forward
            if isinstance(part, ChoicePoint):
                forward = partial(self._run_all, part)
                replaced.put(part, "candidate", partial(self._candidate, part))
            replaced.put(part, "forward", partial(self._forward, part, forward))

    def run(self, inputs: Sequence[Any], named: Mapping[str, Any]) -> CandidateRun:
        self._run.output = shape(self._module(*inputs, **named))
        self._run.uncounted |= self._counter.uncounted
        return self._run

    def _forward(self, module: nn.Module, forward: Any, /, *args: Any, **kwargs: Any) -> Any:
        """The forward of a module, with what it counts itself."""
        before, inside = self._counter.total, self._inside
        self._inside = 0
        try:
            return forward(*args, **kwargs)
        finally:
            total = self._counter.total - before
            if total > self._inside:
                self._run.counts[id(module), self._around[-1]] += total - self._inside
            self._inside = inside + total

    def _candidate(self, choice_point: ChoicePoint, number: int) -> Callable[..., Any]:
        """A candidate that, when it is called, adds its condition to those around."""
        candidate = ChoicePoint.candidate(choice_point, number)
        return _Conditioned(candidate, choice_point.condition_of(str(number)), self._around)

    def _run_all(self, choice_point: ChoicePoint, /, *args: Any, **kwargs: Any) -> Any:
        """The forward of a choice point: runs every candidate, and gives the selected output."""
        name, selected = choice_point.variable.name, choice_point.selected
        self._run.complete.add(name)
        outputs: list[Any] = []
        errors: dict[int, Exception] = {}
        for index, output in enumerate(choice_point.outputs(*args, **kwargs)):
            try:
                outputs.append(output())
            except MisfitError:  # of a choice inside
                raise
            except Exception as failure:
                errors[index] = failure
                outputs.append(None)
        if len(errors) == len(outputs):  # it is what came before that does not fit
            raise errors[selected]
        for index, error in errors.items():
            why = f"{reason(error)}, for an input of shape {shape(args)}"
            raise MisfitError(name, index, why) from error
        expected = shape(outputs[selected])
        reshaping = [i for i, output in enumerate(outputs) if shape(output) != expected]
        self._run.reshaping |= {(name, index) for index in reshaping}
        return outputs[selected]


class _Conditioned:
    """A candidate that, when it is called, adds its condition to those around it."""

    def __init__(
        self, candidate: nn.Module, condition: Conditions, around: list[Conditions]
    ) -> None:
        self._candidate, self._condition, self._around = candidate, condition, around

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._around.append(self._around[-1] & self._condition)
        # A copy of each tensor, since other candidates, which may work in place, have it too.
        own = [x.clone() if isinstance(x, Tensor) else x for x in args]
        try:
            return self._candidate(*own, **kwargs)
        finally:
            self._around.pop()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._candidate, name)


class _Replaced:
    """Methods of single objects that have others within a `with` block."""

    def __init__(self) -> None:
        self._before: list[tuple[nn.Module, str, Any]] = []

    def put(self, module: nn.Module, name: str, function: Callable[..., Any]) -> None:
        """Another method for one object."""
        self._before.append((module, name, vars(module).get(name)))
        object.__setattr__(module, name, function)  # `nn.Module`'s own is slow

    def __enter__(self) -> _Replaced:
        return self

    def __exit__(self, *_: object) -> None:
        for module, name, before in reversed(self._before):
            if before is None:
                object.__delattr__(module, name)
            else:
                object.__setattr__(module, name, before)


def shape(value: Any) -> Any:
    """The shapes of the tensors in nested tuples, lists and mappings.

    Args:
        value: what a module returned; of anything else the shape is None.
    """
    if isinstance(value, Tensor):
        return tuple(value.shape)
    if isinstance(value, Mapping):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        shapes = tuple(map(shape, value))
        return shapes[0] if len(shapes) == 1 else shapes
    return None
