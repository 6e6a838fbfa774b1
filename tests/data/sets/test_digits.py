"""scikit-learn's digits: which, how they are split, and in another form."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from loading import labelled
from PIL import Image
from sklearn.datasets import load_digits

from pdas.data.images import ImageData, MemoryImages


def images(data: ImageData) -> torch.Tensor:
    assert isinstance(data.train, MemoryImages) and isinstance(data.test, MemoryImages)
    return torch.cat([data.train.images, data.test.images])


def test_digits_are_those_of_scikit_learn() -> None:
    data = labelled("digits")
    assert data.classes == tuple("0123456789")
    assert (len(data.train), len(data.test)) == (1438, 359)
    labels = torch.cat([data.train.labels, data.test.labels])
    ours = sorted(
        (label, image.numpy().tobytes())
        for label, image in zip(labels.tolist(), images(data), strict=True)
    )
    digits = load_digits()
    values = np.round(digits.images * 255 / 16).astype(np.uint8)
    theirs = sorted(
        (int(label), image.tobytes()) for label, image in zip(digits.target, values, strict=True)
    )
    assert ours == theirs


def test_digits_are_split_by_class_and_seed() -> None:
    data, again, other = (labelled("digits", seed=seed) for seed in (0, 0, 1))
    share = torch.bincount(data.test.labels) / torch.bincount(
        torch.cat([data.train.labels, data.test.labels])
    )
    assert (share - 0.2).abs().max() < 0.01
    assert torch.equal(images(data), images(again)) and not torch.equal(images(data), images(other))
    assert len(labelled("digits", test_fraction=0.5).test) == pytest.approx(1797 / 2, abs=10)


def test_digits_in_another_size_and_in_colour() -> None:
    data = labelled("digits", image_size=16, channels=3)
    assert data.train.image_shape == (3, 16, 16)
    converted, original = images(data), images(labelled("digits"))
    for new, old in zip(converted[:20], original[:20, 0], strict=True):
        resized = Image.fromarray(old.numpy()).resize((16, 16), Image.Resampling.BILINEAR)
        expected = torch.from_numpy(np.array(resized)).int()
        assert new.shape == (3, 16, 16) and (new.int() - expected).abs().max() <= 1
