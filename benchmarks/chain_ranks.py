"""Why are the ranks of auto-encoders under shared weights wrong?

    python benchmarks/chain_ranks.py OUT [--seeds 2] [--steps 400] [--own-steps 800]

Photographs at 32x32 as in `inpaint-photos`. Thirty chains, of which some are BASE and narrow ones,
are trained by themselves; then shared weights are trained on uniform draws, each time with one
thing changed, and rank the same chains. Printed is Spearman's correlation with its 95 % bootstrap
interval, over all chains, and over the better half of them. What was computed stays in OUT.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from pdas import recipes
from pdas.distributed.ranks import Ranks
from pdas.methods.pdas.optimizer import PDAS
from pdas.methods.sampled.step import SearchStep
from pdas.methods.trials.trial import Trial
from pdas.nn.sliced import SlicedWeight
from pdas.resume.batches import ResumableBatches
from pdas.searches.probe import rank_correlation
from pdas.space import Architecture, SearchSpace
from pdas.spaces.autoencoders.space import Layer
from pdas.spaces.autoencoders.supernet import AutoencoderSupernet, SearchLayer
from pdas.tasks.inpainting.task import InpaintingTask
from pdas.tasks.loading import open_task
from pdas.training.candidates import Candidates, active_of
from pdas.training.steps import steps_of
from pdas.training.weights.training import WeightTraining

UNIFORM = 20  # chains drawn uniformly; ten fixed ones follow, BASE among them
# the layers that a fixed chain uses, by its depth
AT = {3: (2, 5, 8), 4: (1, 3, 5, 7), 5: (1, 3, 4, 6, 8), 6: (1, 2, 4, 5, 6, 8)}
JUDGED = 16  # batches of D_theta
FABRIC = Fabric(accelerator="cpu", devices=1)


class OwnWeights(nn.Module):
    """In place of a sliced weight: an own one for each size that these dimensions take."""

    def __init__(self, sliced: SlicedWeight, dims: tuple[int, ...]) -> None:
        super().__init__()
        self.dims = dims
        self.weights = nn.ModuleDict()
        ends = [sorted({stop for _, stop in ranges}) for ranges in _ranges(sliced)]
        for sizes in product(*(ends[dim] for dim in dims)):
            fresh = torch.randn_like(sliced.whole()) * sliced.whole().std()
            self.weights["_".join(map(str, sizes))] = SlicedWeight(fresh, *ends)

    def forward(self, *size: int) -> Tensor:
        """The leading slice of the weight of this size."""
        weight: Tensor = self.weights["_".join(str(size[dim]) for dim in self.dims)](*size)
        return weight


class BySource(AutoencoderSupernet):
    """An own weight for each layer that a layer may read."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.others = nn.ModuleDict(
            {
                f"{i}_{source}": SearchLayer(self.settings, reads_image=source == 0)
                for i in range(1, self.settings.layers + 1)
                for source in range(max(0, i - self.settings.level_back), i)
            }
        )

    def _weights(self, layer: Layer) -> SearchLayer:
        found = self.others[f"{layer.index}_{layer.source}"]
        assert isinstance(found, SearchLayer)
        return found


class Fair(PDAS):
    """Draws every category of every variable equally often."""

    def __init__(self, space: SearchSpace, seed: int) -> None:
        super().__init__(space, seed=seed)
        self._order = np.random.default_rng(seed)
        self._queue: list[Architecture] = []

    def ask(self, count: int | None = None) -> list[Architecture]:
        """As of `PDAS`."""
        count = self.samples if count is None else count
        while len(self._queue) < count:
            rounds = int(np.lcm.reduce(self.space.sizes))
            columns = [
                self._order.permutation(np.tile(np.arange(k), rounds // k))
                for k in self.space.sizes
            ]
            self._queue += [self.space.architecture(row.tolist()) for row in np.stack(columns, 1)]
        taken, self._queue = self._queue[:count], self._queue[count:]
        return taken


@dataclass(frozen=True)
class Variant:
    """One thing that is changed."""

    net: Callable[..., AutoencoderSupernet] = AutoencoderSupernet
    own: tuple[int, ...] = ()  # dimensions of a weight, each size of which has its own
    draws: Callable[..., PDAS] = PDAS
    changes: tuple[str, ...] = ()  # of the recipe


VARIANTS = {
    "as it is": Variant(),
    "own weights by width out": Variant(own=(0,)),
    "own weights by widths in and out": Variant(own=(0, 1)),
    "own weights by source": Variant(net=BySource),
    "fair draws": Variant(draws=Fair),
    "learning rate 0.025": Variant(changes=("search.optimizer.learning_rate=0.025",)),
    "AdamW, 0.003": Variant(changes=("search.optimizer=adamw",)),
    "clipped at 0.5": Variant(changes=("search.clip=0.5",)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--own-steps", type=int, default=800)
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    recipe = recipes.load("inpaint-photos", ["data.image_size=32"])
    task: Any = open_task(recipe, None, FABRIC.device, download=False)
    chains = list(_chains(task.space))
    own = [
        _kept(args.out / f"own-{i}-{args.own_steps}", lambda c=chain: own_loss(task, c, args))
        for i, chain in enumerate(chains)
    ]
    print("| changed | seed | all chains | better half |\n|---|---|---|---|", flush=True)
    for seed in range(args.seeds):
        for name, variant in VARIANTS.items():
            file = args.out / f"{name.replace(' ', '-')}-{seed}-{args.steps}"
            shared = _kept(file, lambda v=variant, s=seed: shared_losses(task, chains, v, s, args))
            better = np.argsort(own)[: len(own) // 2]
            half = correlation(np.array(shared)[better], np.array(own)[better])
            print(f"| {name} | {seed} | {correlation(shared, own)} | {half} |", flush=True)


def own_loss(task: InpaintingTask, chain: Architecture, args: argparse.Namespace) -> float:
    """The loss of a chain on D_theta after a training of its own."""
    loaders = task.search_batches(0)
    trial = Trial(task.loss, *loaders, task.recipe.search, 0, "cpu", "32-true")
    torch.manual_seed(0)
    network = task.derive()(chain)
    return trial(network, None, args.own_steps, args.own_steps, JUDGED)[1]


def shared_losses(
    task: InpaintingTask,
    chains: list[Architecture],
    variant: Variant,
    seed: int,
    args: argparse.Namespace,
) -> list[float]:
    """The losses of the chains on D_theta by shared weights that were trained on uniform draws."""
    torch.manual_seed(seed)
    net = variant.net(**task.recipe.network.model_dump(), image_channels=3)
    if variant.own:
        _replace(net, variant.own)
    settings = recipes.change(task.recipe, variant.changes).search
    loaders = task.search_batches(seed)
    draws = variant.draws(task.space, seed=seed)
    weights = WeightTraining(
        Candidates(net),
        settings,
        FABRIC,
        Ranks(FABRIC),
        steps=args.steps,
        per_epoch=len(loaders[0]),
    )
    step = SearchStep(
        FABRIC,
        weights.network,
        task.loss,
        draws,
        weights,
        theta_mode=settings.theta_mode,
        active=active_of(net),
    )
    for _, batch in steps_of(ResumableBatches(loaders[0]), args.steps, 0):
        step(batch, None)
        weights.end_step()
    batches = [batch for batch, _ in zip(loaders[1], range(JUDGED), strict=False)]
    return step.losses(chains, batches)


def correlation(one: Any, other: Any) -> str:
    """Spearman's, with its 95 % bootstrap interval."""
    found, (low, high) = rank_correlation(np.asarray(one), np.asarray(other))
    return f"{found:.2f} [{low:.2f}, {high:.2f}]"


def _chains(space: SearchSpace) -> Iterator[Architecture]:
    rng = np.random.default_rng(11)
    for _ in range(UNIFORM):
        yield space.uniform(rng)
    for depth in AT:  # BASE
        yield _chain(space, depth, ["3x3_skip"] * depth, [64] * depth)
    for widths in ([16] * 4, [32] * 4, [64, 16, 16, 16]):
        yield _chain(space, 4, ["3x3_skip"] * 4, widths)
    yield _chain(space, 4, ["5x5_skip", "3x3_down", "1x1_skip", "3x3_skip"], [64, 16, 16, 16])
    yield _chain(space, 3, ["5x5_skip", "5x5_skip", "3x3_skip"], [64, 16, 16])
    yield _chain(space, 3, ["5x5_down", "3x3_skip", "3x3_down"], [64, 16, 16])


def _chain(space: SearchSpace, depth: int, kinds: list[str], widths: list[int]) -> Architecture:
    """Layers of these types and widths, each of which reads the one before."""
    labels: dict[str, Any] = {v.name: v.categories[0] for v in space.variables}
    before = 0
    for index, kind, width in zip(AT[depth], kinds, widths, strict=True):
        labels |= {f"layer{index}/type": kind, f"layer{index}/channels": width}
        if index > 1:
            labels[f"layer{index}/from"] = before
        before = index
    return space.architecture(labels | {"output/from": before})


def _replace(module: nn.Module, dims: tuple[int, ...]) -> None:
    """Give every sliced weight of a module its own for each size."""
    for name, child in module.named_children():
        if isinstance(child, SlicedWeight):
            setattr(module, name, OwnWeights(child, dims))
        else:
            _replace(child, dims)


def _ranges(sliced: SlicedWeight) -> list[list[tuple[int, int]]]:
    """For each of the first dimensions the ranges of its blocks."""
    return [list(ranges) for ranges in zip(*(r for _, r in sliced.blocks()), strict=True)]


def _kept(file: Path, compute: Callable[[], Any]) -> Any:
    """What a file holds, or else what is computed now and kept in it."""
    if not file.exists():
        file.write_text(json.dumps(compute()))
    return json.loads(file.read_text())


if __name__ == "__main__":
    main()
