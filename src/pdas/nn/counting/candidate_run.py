"""One run of a network in which each choice runs all its candidates, with their multiply-adds."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from pdas.nn.choices.choice_point import ChoicePoint
from pdas.nn.conditions import Conditions
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

    Example:
        run = run_candidates(module, (x,), {})
        sum(run.counts.values())  # multiply-adds of all candidates together
    """

    counts: dict[Unit, int] = field(default_factory=lambda: defaultdict(int))
    reshaping: set[tuple[str, int]] = field(default_factory=set)
    complete: set[str] = field(default_factory=set)
    output: Any = None


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
    module: nn.Module, inputs: Sequence[Any], named: Mapping[str, Any]
) -> CandidateRun:
    """Run a module once, in evaluation mode, with every candidate of each choice.

    Args:
        module: with an architecture selected.
        inputs, named: what it is called with.

    Raises:
        MisfitError: a candidate fails where others of its choice do not. Any other error is that of
            the module.
    """
    with ExitStack() as stack:
        stack.enter_context(evaluating(module))
        counter = stack.enter_context(counting(module))
        return _Runner(module, counter, stack).run(inputs, named)


def count(module: nn.Module, inputs: Sequence[Any], named: Mapping[str, Any]) -> int:
    """The multiply-adds of one call, in evaluation mode.

    Args:
        module: with an architecture selected.
        inputs, named: what it is called with.
    """
    with evaluating(module), counting(module) as counter:
        module(*inputs, **named)
    return counter.get_total_flops() // 2  # PyTorch counts a multiply-add as two


@contextmanager
def counting(module: nn.Module) -> Iterator[FlopCounterMode]:
    """Count within a `with` block, also in layers that PyTorch would run in one piece.

    Args:
        module: that runs in the block.

    Yields:
        PyTorch's counter, which counts a multiply-add as two.
    """
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with ExitStack() as stack:
            if any(isinstance(part, nn.RNNBase) for part in module.modules()):
                stack.enter_context(_without_onednn())
            yield stack.enter_context(FlopCounterMode(display=False))
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


@contextmanager
def _without_onednn() -> Iterator[None]:
    """Recurrent layers run step by step within the block, by operations that are counted."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that TF32 settings are about to be renamed
        with torch.backends.mkldnn.flags(enabled=False):
            yield


class _Runner:
    """Counts by hooks of modules, and runs all candidates in place of a choice point's forward."""

    def __init__(self, module: nn.Module, counter: FlopCounterMode, stack: ExitStack) -> None:
        self._module = module
        self._counter = counter
        self._run = CandidateRun()
        self._around: list[Conditions] = [Conditions()]
        # Of each module whose forward is under way, the outermost first: the count when it began,
        # and what the modules inside of it have had. The first number is for the whole.
        self._start: list[int] = []
        self._inside: list[int] = [0]
        for part in module.modules():
            stack.callback(part.register_forward_pre_hook(self._enter).remove)
            stack.callback(part.register_forward_hook(self._leave).remove)
            if isinstance(part, ChoicePoint):
                stack.enter_context(_replaced(part, "forward", partial(self._run_all, part)))
                stack.enter_context(_replaced(part, "candidate", partial(self._candidate, part)))

    def run(self, inputs: Sequence[Any], named: Mapping[str, Any]) -> CandidateRun:
        self._run.output = shape(self._module(*inputs, **named))
        return self._run

    def _enter(self, module: nn.Module, args: Any) -> None:
        self._start.append(self._counter.get_total_flops())
        self._inside.append(0)

    def _leave(self, module: nn.Module, args: Any, output: Any) -> None:
        # What modules inside have counted is theirs: only the rest is this module's own.
        total = self._counter.get_total_flops() - self._start.pop()
        own = total - self._inside.pop()
        self._inside[-1] += total
        if own:
            self._run.counts[id(module), self._around[-1]] += own // 2

    def _candidate(self, choice_point: ChoicePoint, number: int) -> Callable[..., Any]:
        """A candidate that, when it is called, adds its condition to those around."""
        candidate = ChoicePoint.candidate(choice_point, number)
        return _Conditioned(candidate, choice_point.condition_of(str(number)), self._around)

    def _run_all(self, choice_point: ChoicePoint, *args: Any, **kwargs: Any) -> Any:
        """The forward of a choice point: runs every candidate, and gives the selected output."""
        name, selected = choice_point.variable.name, choice_point.selected
        self._run.complete.add(name)
        outputs: list[Any] = []
        errors: dict[int, Exception] = {}
        for index, output in enumerate(choice_point.outputs(*args, **kwargs)):
            depth = len(self._start)
            try:
                outputs.append(output())
            except MisfitError:  # of a choice inside
                raise
            except Exception as failure:
                del self._start[depth:], self._inside[depth + 1 :]  # their hooks did not run
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


@contextmanager
def _replaced(choice_point: ChoicePoint, name: str, function: Callable[..., Any]) -> Iterator[None]:
    """Another method for this one object within the block."""
    object.__setattr__(choice_point, name, function)
    try:
        yield
    finally:
        object.__delattr__(choice_point, name)


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
