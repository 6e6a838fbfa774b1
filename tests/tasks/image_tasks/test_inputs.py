"""Images in the forms that programs have them: each becomes the pixels that its file would."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from pdas.data.decode import read_image
from pdas.support.errors import DataError
from pdas.tasks.image_tasks.inputs import CHANNELS, each_image, parts_of_images, pixels_of, stacked

PIXELS = np.random.default_rng(0).integers(256, size=(12, 20, 4), dtype=np.uint8)


def of(channels: int) -> np.ndarray:
    """An array (H, W, C)."""
    return PIXELS[:, :, :channels]


def first(array: np.ndarray) -> Tensor:
    """A tensor with its channels first."""
    return torch.from_numpy(array.copy()).permute(2, 0, 1)


FORMS: dict[str, Callable[[np.ndarray, Path], Any]] = {
    "text": lambda array, file: str(file),
    "path": lambda array, file: file,
    "PIL": lambda array, file: Image.open(file),
    "array": lambda array, file: array,
    "float64": lambda array, file: array / 255,
    "float16": lambda array, file: (array / 255).astype(np.float16),
    "a view": lambda array, file: array[::-1][::-1],
    "tensor": lambda array, file: first(array),
    "float tensor": lambda array, file: (first(array) / 255).requires_grad_(),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("channels", CHANNELS)
def test_every_form_has_the_pixels_of_the_file(channels: int, form: str, tmp_path: Path) -> None:
    array = of(channels)
    Image.fromarray(array[:, :, 0] if channels == 1 else array).save(tmp_path / "a.png")
    image = FORMS[form](array, tmp_path / "a.png")
    for wanted in (1, 3):
        for size in (None, 7):
            expected = read_image(tmp_path / "a.png", size, wanted)
            assert torch.equal(pixels_of(image, wanted, size), expected)
            assert list(expected.shape[1:]) == ([12, 20] if size is None else [7, 7])


def test_an_array_without_channels_is_grey() -> None:
    grey = of(1)[:, :, 0]
    for image in (grey, torch.from_numpy(grey.copy()), grey / 255):
        assert torch.equal(pixels_of(image, 1), first(of(1)))


def test_a_float_is_rounded_to_the_nearest() -> None:
    row = np.array([[0.0, 0.6, 0.4999, 1.0]]) * [[1, 1 / 255, 1 / 255, 1]]
    assert pixels_of(row, 1).flatten().tolist() == [0, 1, 0, 255]


def test_a_pil_image_is_turned_upright_and_stays_as_it_was() -> None:
    image = Image.fromarray(of(3))
    image.getexif()[0x0112] = 6  # to be turned by 90 degrees clockwise
    expected = np.rot90(of(3), k=-1)
    assert torch.equal(pixels_of(image, 3), first(expected))
    assert image.size == (20, 12)


def test_one_image_and_several(tmp_path: Path) -> None:
    array, image = of(3), Image.fromarray(of(3))
    for one in ("cat.png", Path("cat.png"), image, array, first(array), array[:, :, 0]):
        assert next(each_image(one)) is one and len([*each_image(one)]) == 1
    mixed = ["cat.png", image, array, first(array)]
    for several in (mixed, tuple(mixed), iter(mixed)):
        assert [type(each) for each in each_image(several)] == [type(each) for each in mixed]
    batch = np.stack([array, array[::-1]])
    for several in (batch, torch.from_numpy(batch).permute(0, 3, 1, 2)):
        assert torch.equal(stacked(several, 3), torch.stack([first(x) for x in batch]))
    assert [len(part) for part in parts_of_images(mixed, 3)] == [3, 1]
    assert [*parts_of_images([], 3)] == []


REFUSED: dict[str, Any] = {
    "an array of shape (3, 12, 20)": first(of(3)).numpy(),
    "a tensor of shape (12, 20, 3)": torch.from_numpy(of(3).copy()),
    "an array of shape (5,)": np.zeros(5, np.uint8),
    "an array of shape (0, 4)": np.zeros((0, 4), np.uint8),
    "an array of shape (2, 4, 4, 3)": [np.zeros((2, 4, 4, 3), np.uint8)],
    "values of int64": of(3).astype(int),
    "values of bool": of(3) > 5,
    "float64 values from 0 to 255": PIXELS.astype(float),
    "float32 values from -1 to 1": np.array([[-1, 1]], np.float32),
    "float64 values from nan to nan": np.array([[0.5, np.nan]]),
    "list as one": [[1, 2]],
    "NoneType": None,
    "dict": {"cat.png": 1},
    "bytes": b"cat.png",
}


@pytest.mark.parametrize("found", REFUSED)
def test_what_is_no_image_is_one_line(found: str) -> None:
    with pytest.raises(DataError) as error:
        [pixels_of(image, 3) for image in each_image(REFUSED[found])]
    assert f"found {found}" in str(error.value) and "\n" not in str(error.value)


def test_a_pil_image_whose_file_is_broken_is_one_line(tmp_path: Path) -> None:
    Image.fromarray(of(3)).save(tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:200])
    with (
        Image.open(tmp_path / "a.png") as image,  # only its header is read here
        pytest.raises(DataError, match="images: found no readable image"),
    ):
        pixels_of(image, 3)


def test_images_of_several_sizes_are_named() -> None:
    with pytest.raises(DataError, match="found sizes 20x12, 20x6, expected at least one image"):
        stacked([of(3), of(3)[:6], of(3)], 3)
    with pytest.raises(DataError, match="found none"):
        stacked([], 3)
