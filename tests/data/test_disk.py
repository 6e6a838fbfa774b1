"""Decoding image files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pdas.data import DiskImages, channel_statistics, read_image
from pdas.errors import DataError


def gradient(height: int = 24, width: int = 32) -> np.ndarray:
    """A smooth colour image, so that resizing and compression change it little."""
    y, x = np.mgrid[0:height, 0:width]
    channels = [255 * y / height, 255 * x / width, 255 - 255 * x / width]
    return np.stack(channels, axis=2).astype(np.uint8)


def save(path: Path, pixels: np.ndarray, **options: object) -> Path:
    Image.fromarray(pixels).save(path, **options)
    return path


def test_an_image_of_the_right_size_is_read_as_it_is(tmp_path: Path) -> None:
    pixels = gradient(16, 16)
    image = read_image(save(tmp_path / "a.png", pixels), 16, 3)
    assert image.dtype == torch.uint8
    assert torch.equal(image, torch.from_numpy(pixels).permute(2, 0, 1))


@pytest.mark.parametrize("extension", ["png", "jpg", "bmp", "webp", "gif", "tif"])
def test_formats_are_resized_whole(tmp_path: Path, extension: str) -> None:
    image = read_image(save(tmp_path / f"a.{extension}", gradient(48, 64)), 8, 3)
    expected = torch.from_numpy(gradient(8, 8)).permute(2, 0, 1)
    assert image.shape == (3, 8, 8)
    assert (image.int() - expected.int()).abs().max() < 40


def test_a_large_jpeg_is_close_to_its_full_decoding(tmp_path: Path) -> None:
    path = save(tmp_path / "a.jpg", gradient(600, 800), quality=95)
    with Image.open(path) as opened:
        full = opened.resize((32, 32), Image.Resampling.BILINEAR)
    difference = read_image(path, 32, 3).permute(1, 2, 0).int() - torch.from_numpy(np.array(full))
    assert difference.abs().max() <= 4


def test_colour_becomes_grey_and_grey_becomes_colour(tmp_path: Path) -> None:
    colour = save(tmp_path / "colour.png", gradient(8, 8))
    weights = torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)
    expected = (torch.from_numpy(gradient(8, 8)).permute(2, 0, 1) * weights).sum(0)
    assert (read_image(colour, 8, 1)[0] - expected).abs().max() <= 1
    grey = save(tmp_path / "grey.png", gradient(8, 8)[..., 0])
    image = read_image(grey, 8, 3)
    assert torch.equal(image, torch.from_numpy(gradient(8, 8)[..., 0]).expand(3, 8, 8))


def test_16_bit_grey_keeps_its_range(tmp_path: Path) -> None:
    pixels = (np.arange(64).reshape(8, 8) * 1024).astype(np.uint16)
    image = read_image(save(tmp_path / "deep.png", pixels), 8, 1)
    assert torch.equal(image[0], torch.from_numpy((pixels // 256).astype(np.uint8)))


def test_a_palette_with_transparency_is_read_without_a_warning(tmp_path: Path) -> None:
    palette = Image.fromarray(gradient(8, 8)).quantize(16)
    palette.save(tmp_path / "a.png", transparency=bytes(range(16)))
    expected = torch.from_numpy(np.array(palette.convert("RGB"))).permute(2, 0, 1)
    assert torch.equal(read_image(tmp_path / "a.png", 8, 3), expected)


def test_a_photograph_is_turned_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: to be turned by 90 degrees clockwise
    path = save(tmp_path / "a.png", gradient(8, 8), exif=exif)
    upright = torch.from_numpy(np.rot90(gradient(8, 8), k=-1).copy()).permute(2, 0, 1)
    assert torch.equal(read_image(path, 8, 3), upright)


def broken_files(tmp_path: Path) -> list[Path]:
    whole_png = save(tmp_path / "whole.png", gradient(64, 64)).read_bytes()
    whole_jpg = save(tmp_path / "whole.jpg", gradient(64, 64)).read_bytes()
    contents = {
        "empty.png": b"",
        "text.jpg": b"no image",
        "short.png": whole_png[: len(whole_png) // 2],
        "short.jpg": whole_jpg[: len(whole_jpg) // 2],
        "damaged.png": whole_png[:60] + bytes(40) + whole_png[100:],
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return [tmp_path / name for name in contents]


def test_a_broken_file_is_named_on_one_line(tmp_path: Path) -> None:
    for path in [*broken_files(tmp_path), tmp_path / "missing.png", tmp_path]:
        with pytest.raises(DataError) as caught:
            read_image(path, 8, 3)
        assert str(path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_file_that_breaks_a_worker_is_named_on_one_line(tmp_path: Path, workers: int) -> None:
    good = save(tmp_path / "good.png", gradient(8, 8))
    (tmp_path / "bad.png").write_bytes(b"no image")
    paths = [str(good)] * 5 + [str(tmp_path / "bad.png")] + [str(good)] * 6
    labels = torch.zeros(12, dtype=torch.int64)
    source = DiskImages(paths, labels, size=8, channels=3, workers=workers)
    batches = source.batches(torch.arange(12).split(2))
    assert [len(next(batches)[0]) for _ in range(2)] == [2, 2]
    with pytest.raises(DataError) as caught:
        next(batches)
    assert str(caught.value).startswith(f"{tmp_path / 'bad.png'}: found no readable image (")
    assert str(caught.value).endswith("), expected a whole image file; replace or remove it")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("workers", [0, 2])
def test_one_broken_file_of_many_is_found_before_training(tmp_path: Path, workers: int) -> None:
    good = str(save(tmp_path / "good.png", gradient(8, 8)))
    bad = str(tmp_path / "bad.png")
    Path(bad).write_bytes(b"no image")
    labels = torch.zeros(300, dtype=torch.int64)

    def source(*last: str) -> DiskImages:
        paths = [good] * (300 - len(last)) + [*last]
        return DiskImages(paths, labels, size=8, channels=3, workers=workers)

    source().check()
    assert channel_statistics(source()) == channel_statistics(source().read())
    for decode_all in (DiskImages.check, DiskImages.read, channel_statistics):
        with pytest.raises(DataError, match=f"^{bad}: found no readable image"):
            decode_all(source(bad))


def test_more_workers_than_processors_do_not_warn(tmp_path: Path) -> None:
    path = str(save(tmp_path / "a.png", gradient(8, 8)))
    labels = torch.zeros(8, dtype=torch.int64)
    source = DiskImages([path] * 8, labels, size=8, channels=1, workers=1000)
    assert sum(len(images) for images, _ in source.batches(torch.arange(8).split(2))) == 8


def test_reading_all_gives_the_files_in_order(tmp_path: Path) -> None:
    paths = [
        str(save(tmp_path / f"{i}.png", np.full((4, 4), i, dtype=np.uint8))) for i in range(150)
    ]
    source = DiskImages(paths, torch.arange(150), size=4, channels=1, workers=2)
    in_memory = source.read()
    assert in_memory.images[:, 0, 0, 0].tolist() == in_memory.labels.tolist() == list(range(150))
