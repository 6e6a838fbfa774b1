"""Optimizers with one defect each. Their docstrings name the tests that must find it.

Its tests fail; test_every_test_can_fail runs them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from evolution import Evolution

from pdas.space import Architecture, SearchSpace
from pdas.support.errors import NonFiniteLossError
from pdas.testing import OptimizerTests


class GivesFewerThanItLearnsFrom(Evolution):
    """test_ask_gives_architectures_of_the_space"""

    smallest_tell = 3


class LearnsFromNothing(Evolution):
    """test_ask_gives_architectures_of_the_space"""

    smallest_tell = 0


class GivesMappings(Evolution):
    """test_ask_gives_architectures_of_the_space"""

    def ask(self, n: int | None = None) -> Any:
        return [a.to_dict() for a in super().ask(n)]


class NeverAsksForTheLastCategory(Evolution):
    """test_every_category_is_asked_for"""

    def mutant(self) -> Any:
        return np.minimum(super().mutant(), np.maximum(self.space.sizes - 2, 0))


class NeedsTwoCategories(Evolution):
    """test_the_smallest_spaces"""

    def __init__(self, space: SearchSpace, seed: int) -> None:
        assert space.sizes.max() > 1
        super().__init__(space, seed)


class Maximises(Evolution):
    """test_it_finds_the_best_of_a_small_space"""

    def tell(self, architectures: Any, losses: Any, active: Any = None) -> None:
        super().tell(architectures, np.negative(losses), active)


class LearnsOnlyFromWhatItAskedFor(Evolution):
    """test_it_learns_from_architectures_of_elsewhere"""

    def ask(self, n: int | None = None) -> list[Architecture]:
        self.asked = super().ask(n)
        return self.asked

    def tell(self, architectures: Any, losses: Any, active: Any = None) -> None:
        if all(any(a is b for b in getattr(self, "asked", [])) for a in architectures):
            super().tell(architectures, losses, active)


class IgnoresWhatIsActive(Evolution):
    """test_all_variables_active_is_the_default"""

    def tell(self, architectures: Any, losses: Any, active: Any = None) -> None:
        if active is None:
            super().tell(architectures, losses)


class DrawsWhenItNamesTheBest(Evolution):
    """test_best_changes_nothing"""

    def best(self) -> Architecture:
        self.rng.random()
        return super().best()


class HasNoSeed(Evolution):
    """test_the_seed_decides"""

    def __init__(self, space: SearchSpace, seed: int) -> None:
        super().__init__(space, 0)


class IsSeededByNothing(Evolution):
    """test_the_seed_decides"""

    def __init__(self, space: SearchSpace, seed: int) -> None:
        super().__init__(space, None)  # type: ignore[arg-type]


class SharesOneGenerator(Evolution):
    """test_optimizers_do_not_disturb_each_other"""

    shared = np.random.default_rng(0)

    def __init__(self, space: SearchSpace, seed: int) -> None:
        super().__init__(space, seed)
        self.shared.bit_generator.state = self.rng.bit_generator.state
        self.rng = self.shared


class SavesNoGenerator(Evolution):
    """test_a_saved_state_continues_identically"""

    def state_dict(self) -> dict[str, Any]:
        return super().state_dict() | {"random": np.random.default_rng(0).bit_generator.state}


class SavesArrays(Evolution):
    """test_a_saved_state_continues_identically"""

    def state_dict(self) -> dict[str, Any]:
        return super().state_dict() | {"parent": np.array(self.parent)}


class SavesWhatLivesOn(Evolution):
    """test_a_saved_state_does_not_change_afterwards"""

    def tell(self, architectures: Any, losses: Any, active: Any = None) -> None:
        parent = self.parent
        super().tell(architectures, losses, active)
        parent[:] = self.parent
        self.parent = parent


class GivesNothing(Evolution):
    """test_asking_for_no_number_of_architectures"""

    def ask(self, n: int | None = None) -> list[Architecture]:
        return [self.space.architecture(self.mutant()) for _ in range(2 if n is None else int(n))]


class CutsLossesThatDoNotFit(Evolution):
    """test_losses_that_do_not_fit"""

    def tell(self, architectures: Any, losses: Any, active: Any = None) -> None:
        if np.size(losses) >= len(architectures) > 1:
            losses = np.ravel(losses)[: len(architectures)]
        super().tell(architectures, losses, active)


class DrawsBeforeItChecks(Evolution):
    """test_losses_that_do_not_fit, test_no_loss_that_is_finite"""

    def tell(self, architectures: Any, losses: Any, active: Any = None) -> None:
        self.rng.random()
        super().tell(architectures, losses, active)


class TakesArchitecturesOfOtherSpaces(Evolution):
    """test_architectures_that_do_not_fit"""

    def tell(self, architectures: Any, losses: Any, active: Any = None) -> None:
        own = [self.space.architecture(a.indices) for a in architectures]
        super().tell(own, losses, active)


class TakesNoArchitecture(Evolution):
    """test_architectures_that_do_not_fit, test_the_smallest_tell"""

    def tell(self, architectures: Any, losses: Any, active: Any = None) -> None:
        if len(architectures):
            super().tell(architectures, losses, active)


class TakesOneArchitecture(Evolution):
    """test_the_smallest_tell"""

    smallest_tell = 2

    def tell(self, architectures: Any, losses: Any, active: Any = None) -> None:
        if len(architectures) != 1:
            super().tell(architectures, losses, active)


class NeedsMoreThanItSays(Evolution):
    """test_the_smallest_tell"""

    def tell(self, architectures: Any, losses: Any, active: Any = None) -> None:
        if len(architectures) == 1:
            architectures, losses = [], []
        super().tell(architectures, losses, active)


class MeasuresWhatIsNotFinite(Evolution):
    """test_measures_are_finite_numbers_of_the_same_names"""

    def measures(self) -> dict[str, float]:
        return {"loss": np.inf}


class MeasuresArrays(Evolution):
    """test_measures_are_finite_numbers_of_the_same_names"""

    def measures(self) -> dict[str, float]:
        return {"parent": np.array(self.parent[0])}  # type: ignore[dict-item]


class MeasuresOtherNamesLater(Evolution):
    """test_measures_are_finite_numbers_of_the_same_names"""

    def measures(self) -> dict[str, float]:
        return {} if self.loss is None else {"loss": self.loss}


class DrawsWhenItMeasures(Evolution):
    """test_measures_are_finite_numbers_of_the_same_names"""

    def measures(self) -> dict[str, float]:
        return {"random": self.rng.random()}


class ForgetsWhatItMeasures(Evolution):
    """test_measures_are_finite_numbers_of_the_same_names"""

    tells = 0

    def tell(self, architectures: Any, losses: Any, active: Any = None) -> None:
        super().tell(architectures, losses, active)
        self.tells += 1

    def measures(self) -> dict[str, float]:
        return {"tells": self.tells}


class TakesMinusInfinityForGood(Evolution):
    """test_some_losses_that_are_not_finite_rank_worst"""

    def tell(self, architectures: Any, losses: Any, active: Any = None) -> None:
        super().tell(architectures, losses, active)
        if -np.inf in losses:
            self.parent = architectures[int(np.argmin(losses))].indices.tolist()


class PassesOverNonFiniteLosses(Evolution):
    """test_no_loss_that_is_finite"""

    def tell(self, architectures: Any, losses: Any, active: Any = None) -> None:
        try:
            super().tell(architectures, losses, active)
        except NonFiniteLossError:
            return


class ComplainsWithoutWords(Evolution):
    """test_no_loss_that_is_finite"""

    def tell(self, architectures: Any, losses: Any, active: Any = None) -> None:
        try:
            super().tell(architectures, losses, active)
        except NonFiniteLossError as error:
            raise NonFiniteLossError from error


class LoadsStatesOfOtherSpaces(Evolution):
    """test_a_state_of_another_space"""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        if "space" in state:
            state = {**state, "space": self.space.to_dict()}
        super().load_state_dict(state)


class LoadsWhatThereIs(Evolution):
    """test_a_state_with_a_part_missing"""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(self.state_dict() | state)


class LoadsHalfOfWhatItRefuses(Evolution):
    """test_a_state_with_a_part_missing"""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.rng.bit_generator.state = state.get("random", self.rng.bit_generator.state)
        super().load_state_dict(state)


class TestBroken(OptimizerTests):
    @pytest.fixture(params=Evolution.__subclasses__(), ids=lambda defect: defect.__name__)
    def make(self, request: pytest.FixtureRequest) -> Any:
        return request.param
