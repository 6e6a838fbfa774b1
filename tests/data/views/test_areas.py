"""Areas of images: the law of random ones, and what their draws depend on."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.stats import kstest
from torchvision.transforms import RandomResizedCrop
from torchvision.transforms.v2 import functional as T

from pdas.data.decode import read_image, read_view
from pdas.data.images import MemoryImages
from pdas.data.views.areas import Central, RandomAreas


def areas(count: int, width: int, height: int, scale: tuple[float, float]) -> np.ndarray:
    view = RandomAreas(scale, seed=5)
    return np.array([view.area(i, width, height) for i in range(count)])


@pytest.mark.parametrize("size", [(500, 375), (64, 64), (40, 400)])
def test_random_areas_are_distributed_as_those_of_torchvision(size: tuple[int, int]) -> None:
    width, height = size
    found = areas(3000, width, height, (0.08, 1.0))
    torch.manual_seed(0)
    blank = torch.empty(3, height, width)
    rows = [RandomResizedCrop.get_params(blank, [0.08, 1.0], [3 / 4, 4 / 3]) for _ in range(3000)]
    theirs = np.array([(left, top, left + w, top + h) for top, left, h, w in rows])
    for i in range(4):
        assert kstest(found[:, i], theirs[:, i]).pvalue > 1e-3
    sides = [(each[:, 2] - each[:, 0]) * (each[:, 3] - each[:, 1]) for each in (found, theirs)]
    assert kstest(*sides).pvalue > 1e-3


def test_random_areas_lie_within_images_of_any_shape() -> None:
    for width, height in ((1, 1), (1, 50), (50, 1), (7, 5), (333, 500)):
        for left, top, right, bottom in areas(200, width, height, (0.08, 1.0)):
            assert 0 <= left < right <= width and 0 <= top < bottom <= height


def test_an_area_depends_on_the_seed_and_the_image_alone() -> None:
    view = RandomAreas((0.08, 1.0), seed=3)
    assert view.area(7, 500, 375) == RandomAreas((0.08, 1.0), seed=3).area(7, 500, 375)
    assert view.area(7, 500, 375) != view.area(8, 500, 375)
    assert view.area(7, 500, 375) != RandomAreas((0.08, 1.0), seed=4).area(7, 500, 375)


def test_the_central_square_is_that_of_resizing_and_cropping() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    smooth = Image.fromarray(pixels).resize((400, 300), Image.Resampling.BICUBIC)
    left, top, right, bottom = Central(224 / 256).area(0, 400, 300)
    found = smooth.resize((224, 224), Image.Resampling.BILINEAR, (left, top, right, bottom))
    usual = T.center_crop(T.resize(smooth, 256), [224, 224])
    apart = np.abs(np.asarray(found, float) - np.asarray(usual, float))
    assert apart.mean() < 2.0  # of 255; theirs rounds the width of 341.3 pixels
    assert Central(1.0).area(0, 400, 300) == (50, 0, 350, 300)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("extension", ["jpg", "png"])
def test_a_view_is_of_the_upright_image(tmp_path, orientation: int, extension: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    image = Image.fromarray(pixels).resize((800, 600), Image.Resampling.BICUBIC)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"image.{extension}"
    image.save(path, exif=exif)
    whole = read_image(path, None, 3)  # upright, at its full size
    for view in (Central(0.5), RandomAreas((0.2, 0.4), seed=1)):
        left, top, right, bottom = view.area(0, whole.shape[2], whole.shape[1])
        upright = Image.fromarray(whole.permute(1, 2, 0).numpy())
        expected = upright.resize((32, 32), Image.Resampling.BILINEAR, (left, top, right, bottom))
        found = read_view(path, view, 0, 32, 3).permute(1, 2, 0).numpy()
        # A JPEG is decoded at a part of its size, so it is not just the same.
        assert np.abs(found - np.asarray(expected, float)).mean() < 3.0


def test_areas_of_images_in_memory_are_those_of_torchvision() -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (6, 3, 32, 32), generator=generator, dtype=torch.uint8)
    source = MemoryImages(images, torch.arange(6))
    view = RandomAreas((0.08, 1.0), seed=2)
    ((found, _),) = source.batches([torch.tensor([4, 1, 5])], "cpu", view)
    for image, i in zip(found, (4, 1, 5), strict=True):
        left, top, right, bottom = map(int, view.area(i, 32, 32))
        box = (top, left, bottom - top, right - left)
        expected = T.resized_crop(images[i], *box, [32, 32], antialias=False)
        # Theirs knows no pixels outside of the area, so its border may differ.
        inner = (image.int() - expected.int()).abs()[:, 4:-4, 4:-4]
        assert inner.float().mean() < 3.0


def test_all_of_an_image_in_memory_is_the_image() -> None:
    images = torch.arange(3 * 16 * 16, dtype=torch.int64).remainder(256).to(torch.uint8)
    source = MemoryImages(images.view(1, 3, 16, 16), torch.zeros(1, dtype=torch.int64))

    class All(RandomAreas):
        def area(self, index: int, width: int, height: int) -> tuple[float, float, float, float]:
            return 0, 0, width, height

    ((found, _),) = source.batches([torch.tensor([0])], "cpu", All((1.0, 1.0), 0))
    assert torch.equal(found, source.images)
