"""The separate training of a network: it is derived, trained on D_W, and judged on D_theta.

A trial continues from a state, and its result depends on that state alone. So it can run in this
process or in any other, whatever else draws random numbers there.
"""

from __future__ import annotations

import io
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn

from pdas.distributed.fabric import Fabric, move_data_to_device
from pdas.distributed.micro_batches import parts_of
from pdas.kernels.choice import Setting, choose_kernels
from pdas.methods.settings import SearchSettings
from pdas.resume.batches import Loader, ResumableBatches, one_pass
from pdas.resume.unsaved import Unsaved
from pdas.space import Architecture
from pdas.support.errors import NonFiniteLossError
from pdas.support.random_state import at_seed, random_state, seed_all, set_random_state
from pdas.training.batch_norm import without_running_statistics
from pdas.training.components import MakeOptimizer, MakeSchedule
from pdas.training.evaluation_mode import EvaluationMode
from pdas.training.measures import Loss, RunningMean, all_numbers, as_measures, loss_of
from pdas.training.weights.gradient import Gradient
from pdas.training.weights.optimizer import advance, optimizer_and_schedule

Derive = Callable[[Architecture], nn.Module]
"""From an architecture to its network with new weights."""

StateAndLoss = tuple[Tensor | None, float]
"""The state of a training as bytes `(n,)`, and its loss on D_theta."""

_ONE_AT_A_TIME = threading.Lock()  # threads share the global random generators


@dataclass(frozen=True)
class Trial:
    """Trains a network with the settings of the search; all networks have the same draws.

    Attributes:
        loss: that of the search.
        batches: of D_W.
        theta_batches: of D_theta.
        settings: of the search.
        seed: of all that is drawn.
        device: in the notation of Lightning Fabric.
        precision: in the notation of Lightning Fabric.
        make_optimizer: makes the optimizer of the weights, instead of the settings.
        make_schedule: makes its schedule, instead of the settings.
        judging_seed: of what is drawn for a judgement; by default `seed`.
        kernels: whether blocks that have compiled operators may use them.

    Example:
        trial = Trial.of_search(loss, loaders, settings, 0, fabric)
        network = trial.network(net.derive, architecture)
        state, own_loss = trial(network, None, until=50, steps=100)
    """

    loss: Loss
    batches: Loader
    theta_batches: Loader
    settings: SearchSettings
    seed: int
    device: str
    precision: str
    make_optimizer: MakeOptimizer | None = None
    make_schedule: MakeSchedule | None = None
    judging_seed: int | None = None
    kernels: Setting = "auto"

    @classmethod
    def of_search(
        cls,
        loss: Loss,
        loaders: tuple[Loader, Loader],
        settings: SearchSettings,
        seed: int,
        fabric: Fabric,
        make_optimizer: MakeOptimizer | None = None,
        make_schedule: MakeSchedule | None = None,
        kernels: Setting = "auto",
    ) -> Trial:
        """The trial of a search, on the device of its Fabric.

        Args:
            loss: that of the search.
            loaders: batches of D_W and of D_theta.
            settings: of the search.
            seed: of all that is drawn.
            fabric: whose device and precision are used.
            make_optimizer: see the class.
            make_schedule: see the class.
            kernels: see the class.
        """
        precision = str(fabric.strategy.precision.precision)
        device = str(fabric.device)
        made_by = make_optimizer, make_schedule
        return cls(loss, *loaders, settings, seed, device, precision, *made_by, kernels=kernels)

    def network(self, derive: Derive, architecture: Architecture) -> nn.Module:
        """The network of an architecture with new weights, which are the same at every call."""
        device = torch.device(self.device)
        with _ONE_AT_A_TIME, at_seed(self.seed, device=device):
            network = derive(architecture)
        if isinstance(network, nn.Module):  # `check_derive` refuses what is none
            choose_kernels(network, self.kernels, device)
        return network

    def __call__(
        self,
        network: nn.Module,
        state: Tensor | None,
        until: int,
        steps: int,
        judged: int | None = None,
    ) -> StateAndLoss:
        """The loss of `measured`, with the state at the end."""
        after, measures = self.measured(network, state, until, steps, judged)
        return after, measures["loss"]

    def measured(
        self,
        network: nn.Module,
        state: Tensor | None,
        until: int,
        steps: int,
        judged: int | None = None,
    ) -> tuple[Tensor | None, dict[str, float]]:
        """Train a network until a step, and judge it.

        Batch norms use the current batch throughout, as in the search.

        Args:
            network: from `network`. A state replaces its new weights.
            state: from the last call; None at the beginning.
            until: the step at which this call ends, at most `steps`.
            steps: of a whole training, on which the schedule depends.
            judged: the number of batches of D_theta, the same ones every time; by default all.

        Returns:
            The state at the end and the mean measures on D_theta. If the loss of the training is
            not finite, there is no state, and an infinite loss alone.
        """
        passes = ResumableBatches(self.batches)
        generators = [*passes.generators, *ResumableBatches(self.theta_batches).generators]
        device = torch.device(self.device)
        with (
            _ONE_AT_A_TIME,
            at_seed(self.seed, generators, device),
            without_running_statistics(network),
        ):
            try:
                wrapped, after = self._train(network, passes, state, until, steps)
                return packed(after), self._judge(wrapped, generators, judged)
            except NonFiniteLossError:
                return None, {"loss": math.inf}

    def _train(
        self,
        network: nn.Module,
        passes: ResumableBatches,
        state: Tensor | None,
        until: int,
        steps: int,
    ) -> tuple[nn.Module, dict[str, Any]]:
        """The network in the form that Fabric runs, and the state of its training."""
        fabric = _fabric_of(self.device, self.precision)
        if not any(weight.requires_grad for weight in network.parameters()):
            return fabric.setup_module(network), {}
        weights, schedule = optimizer_and_schedule(
            network,
            self.settings.for_steps(steps),
            steps=steps,
            stays=1,
            make_optimizer=self.make_optimizer,
            make_schedule=self.make_schedule,
        )
        wrapped, optimizer = fabric.setup(network.train(), weights)
        components: dict[str, Any] = {
            "network": network,
            "unsaved": Unsaved(network),
            "weights": weights,
            "schedule": schedule,
            "precision": fabric.strategy.precision,
            "batches": passes,
        }
        begin = 0 if state is None else _restored(unpacked(state), components, passes, fabric)
        for _ in range(begin, until):
            self._update(fabric, wrapped, optimizer, fabric.to_device(next(passes)))
            advance(schedule)
        return wrapped, {
            "step": until,
            "random": random_state(passes.generators, fabric.device),
            **{name: component.state_dict() for name, component in components.items()},
        }

    def _update(self, fabric: Fabric, network: nn.Module, optimizer: Any, batch: Any) -> None:
        optimizer.zero_grad(set_to_none=True)
        parts = parts_of(batch, self.settings.accumulate, "search.accumulate")
        losses = []
        for part in parts:
            loss = loss_of(as_measures(self.loss(network, part)))
            if loss.requires_grad:  # otherwise the network uses none of its weights
                fabric.backward(loss / len(parts))
            losses.append({"loss": loss.detach()})
        gradient = Gradient(fabric, optimizer, self.settings.clip)
        *measured, norm = all_numbers([*losses, gradient.norm])
        if not all(math.isfinite(each["loss"]) for each in measured):
            raise NonFiniteLossError("the loss of a training is not finite")
        gradient.step(norm)

    @torch.no_grad()
    def _judge(
        self, network: nn.Module, generators: Sequence[torch.Generator], judged: int | None
    ) -> dict[str, float]:
        """The mean measures over D_theta, with the same draws every time."""
        seed = self.seed if self.judging_seed is None else self.judging_seed
        device = torch.device(self.device)
        seed_all(seed, generators, device)
        mean = RunningMean()
        with EvaluationMode(network.train())():
            for batch in islice(one_pass(self.theta_batches), judged):
                on_device = move_data_to_device(batch, device)
                mean.add(as_measures(self.loss(network, on_device)))
        measures = mean.values()
        return measures if math.isfinite(measures["loss"]) else measures | {"loss": math.inf}


def _restored(
    state: Mapping[str, Any],
    components: Mapping[str, Any],
    passes: ResumableBatches,
    fabric: Fabric,
) -> int:
    """Restore the state of a training, and return its step."""
    for name, component in components.items():
        component.load_state_dict(state[name])
    # Last, since batches draw their order again while they are restored.
    set_random_state(state["random"], passes.generators, fabric.device)
    step: int = state["step"]
    return step


def _fabric_of(device: str, precision: str) -> Fabric:
    """That of a trial, made in its process, since it does not pickle for others."""
    if precision == "16-mixed":  # it keeps a loss scale, so it is for a single trial
        return _new_fabric(device, precision)
    return _one_fabric(device, precision)


def _new_fabric(name: str, precision: str) -> Fabric:
    device = torch.device(name)
    return Fabric(
        accelerator=device.type,
        devices=1 if device.type == "cpu" else [device.index or 0],
        precision=precision,  # type: ignore[arg-type]
    )


# Kept, since every new Fabric looks for callbacks in all installed packages, for about 10 ms.
_one_fabric = cache(_new_fabric)


def packed(state: dict[str, Any]) -> Tensor:
    """Plain data and tensors as bytes: a copy, and a single object to send."""
    file = io.BytesIO()
    torch.save(state, file)
    return torch.frombuffer(bytearray(file.getbuffer()), dtype=torch.uint8)


def unpacked(state: Tensor) -> dict[str, Any]:
    content: dict[str, Any] = torch.load(io.BytesIO(state.numpy().data), "cpu", weights_only=True)
    return content
