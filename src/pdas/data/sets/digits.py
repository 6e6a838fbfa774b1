"""scikit-learn's 1,797 grey images of handwritten digits, 8x8."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pdas.data.base import SETS, DataSet, Form, Request

if TYPE_CHECKING:
    from pdas.data.images import ImageData


def read(request: Request) -> ImageData:
    """All digits, of which a test part is held out."""
    import torch
    from sklearn.datasets import load_digits

    from pdas.data.reading import from_arrays
    from pdas.data.splits import split_test

    digits = load_digits()
    pixels = torch.from_numpy(digits.images).mul(255 / 16).round()  # stored as 0..16
    images = pixels.to(torch.uint8).unsqueeze(1)
    labels = torch.from_numpy(digits.target).to(torch.int64)
    train, test = split_test(labels, request.test_fraction, request.seed)
    classes = [str(name) for name in digits.target_names]
    return from_arrays(
        request, (images[train], labels[train]), (images[test], labels[test]), classes
    )


SETS.add("digits", DataSet(read=read, labelled=Form(), has_test=False))
