"""Mini-batches of a source: shuffled, transformed, ready for a network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import copy

import torch
from torch import Tensor

from pdas.data.augment import TrainingTransform
from pdas.data.images import ImageSource
from pdas.data.ranks.part import WHOLE, Part
from pdas.data.ranks.shares import is_decoded, read_in_shares
from pdas.data.views.areas import RandomAreas
from pdas.distributed.ranks import Ranks
from pdas.support.errors import SettingError
from pdas.support.refusals import refuse


class Batches:
    """Passes over a source in mini-batches `(x, y)`.

    `x` is float32 (n, C, H, W), channels-last in memory; `y` is int64 (n,); both are on `device`.
    Each `iter` is one pass, in a new order if shuffled. The permutation is drawn when the pass
    begins and the transform runs when a batch is taken, so between two batches the state of both
    generators is that of the batches already taken.

    Args:
        source: the images.
        batch_size: images in a batch.
        shuffle: draws the order of every pass; None keeps the order of the source.
        transform: uint8 (n, C, H, W) to float32 of the same shape, as `Standardise` or
            `TrainingTransform`; a random one holds its own generator.
        drop_last: whether images that do not fill a batch at the end of a pass are left out.
        device: where batches are put and transformed.
        area_scale: the smallest and the largest share of an image that a random area has, see
            `RandomAreas`; None: each image is seen whole. Their seed is drawn with the order.

    Raises:
        SettingError: no batch can be filled.

    Example:
        Batches(source, 64, shuffle=torch.Generator(), transform=standardise, drop_last=True)
    """

    def __init__(
        self,
        source: ImageSource,
        batch_size: int,
        *,
        shuffle: torch.Generator | None,
        transform: Callable[[Tensor], Tensor],
        drop_last: bool,
        device: torch.device | str = "cpu",
        area_scale: tuple[float, float] | None = None,
    ) -> None:
        assert area_scale is None or shuffle is not None  # which draws them
        if batch_size < 1 or (drop_last and batch_size > len(source)):
            refuse(
                SettingError,
                "batch_size",
                found=str(batch_size),
                expected=f"1 to {len(source)} (there are {len(source)} images)",
                remedy="set it within that or give more images",
            )
        self.source = source
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.transform = transform
        self.drop_last = drop_last
        self.device = torch.device(device)
        self.area_scale = area_scale
        self.part = WHOLE
        self._sharing: Ranks | None = None  # whose ranks decode each batch together

    def __len__(self) -> int:
        """Batches in a pass."""
        full, rest = divmod(len(self.source), self.batch_size)
        return full if self.drop_last or not rest else full + 1

    @property
    def generator(self) -> torch.Generator | None:
        """What draws the order."""
        return self.shuffle

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        return self.pass_from(0)

    def pass_from(self, first: int) -> Iterator[tuple[Tensor, Tensor]]:
        """A pass that begins at one of its batches; the order is drawn now, nothing else.

        Args:
            first: the index of that batch, from 0.
        """
        return self._batches(torch.split(self._order(), self.batch_size)[first : len(self)])

    def share(self, index: int, count: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Every `count`-th batch of a pass; a batch has the same images as without a share.

        Args:
            index: of the first one.
            count: of the shares, which together are the pass.
        """
        return self._batches(torch.split(self._order(), self.batch_size)[: len(self)][index::count])

    def _batches(self, order: Sequence[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        # Sources of others know no areas, and need not where none are asked for.
        areas = () if self.area_scale is None else (self._areas(self.area_scale),)
        sharing, parts = self._sharing, map(self.part.own, order)
        if sharing is None:
            read = self.source.batches(parts, self.device, *areas)
        else:
            read = read_in_shares(self.source, sharing, parts, self.device, *areas)
        return (
            (self.transform(images).contiguous(memory_format=torch.channels_last), labels)
            for images, labels in read
        )

    def for_rank(self, index: int, count: int) -> Batches:
        """The same passes, of which a rank sees its part of each batch; only that is read.

        What is drawn is drawn for whole batches, so all parts together are the batches of one
        process.

        Args:
            index: of the rank.
            count: of ranks; the batch size is a multiple of it.
        """
        own = copy(self)
        own.part = Part(index, count)
        if isinstance(self.transform, TrainingTransform):
            own.transform = self.transform.for_part(own.part)
        return own

    def in_shares(self, ranks: Ranks) -> Batches:
        """The same passes, of which each rank decodes its share; all take the same batches.

        Images in memory are not shared, since there is nothing to decode.

        Args:
            ranks: that share them.
        """
        own = copy(self)
        own._sharing = ranks if ranks.size > 1 and is_decoded(self.source) else None
        return own

    def _areas(self, scale: tuple[float, float]) -> RandomAreas:
        assert self.shuffle is not None
        device = self.shuffle.device
        seed = torch.randint(2**63 - 1, (), generator=self.shuffle, device=device)
        return RandomAreas(scale, int(seed))

    def _order(self) -> Tensor:
        n = len(self.source)
        if self.shuffle is None:
            return torch.arange(n, device="cpu")
        draws = torch.randperm(n, generator=self.shuffle, device=self.shuffle.device)
        return draws.cpu()
