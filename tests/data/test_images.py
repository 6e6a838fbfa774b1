"""Image sources and their subsets."""

from __future__ import annotations

import pytest
import torch

from pdas.data.images import ImageData, MemoryImages
from pdas.support.errors import DataError


def numbered(n: int, size: int = 2) -> MemoryImages:
    index = torch.arange(n)
    return MemoryImages(index.to(torch.uint8).view(n, 1, 1, 1).repeat(1, 1, size, size), index)


def test_batches_follow_the_given_order() -> None:
    order = [torch.tensor([3, 1]), torch.tensor([0])]
    batches = list(numbered(5).batches(order))
    assert [labels.tolist() for _, labels in batches] == [[3, 1], [0]]
    assert [images[:, 0, 0, 0].tolist() for images, _ in batches] == [[3, 1], [0]]


def test_a_subset_of_a_subset_counts_from_the_first_one() -> None:
    part = numbered(10).subset(torch.tensor([9, 7, 5, 3])).subset(torch.tensor([2, 0]))
    assert len(part) == 2 and part.labels.tolist() == [5, 9]
    assert part.names is None
    ((images, labels),) = part.batches([torch.tensor([1, 0])])
    assert labels.tolist() == [9, 5] and images[:, 0, 0, 0].tolist() == [9, 5]


def test_a_subset_shares_its_images() -> None:
    source = numbered(10)
    part = source.subset(torch.arange(5))
    assert part.source is source and part.image_shape == source.image_shape


def test_data_knows_its_shape() -> None:
    data = ImageData(numbered(4), numbered(2), ("a", "b", "c", "d"))
    assert (data.channels, data.size) == (1, 2)


def test_train_and_test_must_have_one_shape() -> None:
    with pytest.raises(
        DataError, match=r"^test images: found shape \(1, 3, 3\), expected \(1, 2, 2\) "
    ):
        ImageData(numbered(4), numbered(2, size=3), ("a",))


def test_images_of_another_dtype_or_shape_are_refused() -> None:
    labels = torch.zeros(4, dtype=torch.int64)
    with pytest.raises(
        DataError, match=r"^images: found torch\.float32 of .*expected torch\.uint8 of"
    ):
        MemoryImages(torch.zeros(4, 1, 2, 2), labels)
    with pytest.raises(DataError, match=r" of shape \(4, 2, 2\), expected .*\(N, C, H, W\)$"):
        MemoryImages(torch.zeros(4, 2, 2, dtype=torch.uint8), labels)


def test_labels_must_fit_the_images() -> None:
    images = torch.zeros(4, 1, 2, 2, dtype=torch.uint8)
    with pytest.raises(DataError, match=r" \(3,\), expected torch\.int64 of shape \(4,\), one"):
        MemoryImages(images, torch.zeros(3, dtype=torch.int64))
    with pytest.raises(DataError, match=r"^labels: found torch\.int32 of"):
        MemoryImages(images, torch.zeros(4, dtype=torch.int32))
