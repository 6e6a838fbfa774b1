"""Decoding image files, whole and in boxes, against PIL by hand; and their headers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pdas.data.decode import Header, read_crops, read_header, read_image
from pdas.data.frames import Box
from pdas.support.errors import DataError


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


def test_a_missing_file_and_a_directory_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no file \S*missing\.png; check the path$"):
        read_image(tmp_path / "missing.png", 8, 3)
    with pytest.raises(DataError, match=r"found the directory .*; give the files in it$"):
        read_image(tmp_path, 8, 3)


def rotated(path: Path, pixels: np.ndarray, orientation: int) -> Path:
    """A file whose EXIF says how to turn its pixels."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return save(path, pixels, exif=exif)


def resized(pixels: np.ndarray, size: int) -> torch.Tensor:
    image = Image.fromarray(pixels).resize((size, size), Image.Resampling.BILINEAR)
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)


@pytest.mark.parametrize("box", [(3, 5, 20, 17), (0, 0, 32, 24), (31, 23, 32, 24)])
def test_a_box_is_cropped_and_resized(tmp_path: Path, box: Box) -> None:
    left, top, right, bottom = box
    path = save(tmp_path / "a.png", gradient())
    expected = resized(gradient()[top:bottom, left:right], 8)
    assert torch.equal(read_image(path, 8, 3, box), expected)


def test_a_box_of_the_size_wanted_is_not_changed(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", gradient())
    expected = torch.from_numpy(gradient()[2:10, 7:15]).permute(2, 0, 1)
    assert torch.equal(read_image(path, 8, 3, (7, 2, 15, 10)), expected)


def test_a_box_of_a_large_jpeg_is_in_its_own_pixels(tmp_path: Path) -> None:
    path = save(tmp_path / "a.jpg", gradient(600, 800))
    with Image.open(path) as opened:
        decoded = np.array(opened)
    expected = resized(decoded[100:200, 500:600], 16)
    assert torch.equal(read_image(path, 16, 3, (500, 100, 600, 200)), expected)


def test_a_box_is_one_of_the_upright_image(tmp_path: Path) -> None:
    path = rotated(tmp_path / "a.png", gradient(), 6)
    upright = np.rot90(gradient(), k=-1)
    expected = resized(np.ascontiguousarray(upright[20:30, 4:14]), 5)
    assert torch.equal(read_image(path, 5, 3, (4, 20, 14, 30)), expected)


def test_a_box_partly_outside_is_clipped(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", gradient())
    expected = read_image(path, 8, 3, (0, 0, 10, 24))
    assert torch.equal(read_image(path, 8, 3, (-5, -3, 10, 100)), expected)


@pytest.mark.parametrize("box", [(32, 0, 40, 8), (-9, 0, 0, 8), (5, 5, 5, 9), (9, 9, 5, 12)])
def test_a_box_without_pixels_is_refused(tmp_path: Path, box: Box) -> None:
    path = save(tmp_path / "a.png", gradient())
    with pytest.raises(DataError) as caught:
        read_image(path, 8, 3, box)
    assert str(caught.value) == (
        f"{path}: found the box {box} (left, top, right, bottom), expected one with pixels of the "
        "image, which has 32x24; mend the box or remove the image"
    )


def test_crops_of_one_file_are_those_read_singly(tmp_path: Path) -> None:
    path = save(tmp_path / "a.jpg", gradient(48, 64))
    boxes = [(0, 0, 16, 16), None, (8, 20, 40, 40)]
    crops = read_crops(path, boxes, 8, 1)
    assert torch.equal(crops[0], read_image(path, 8, 1, boxes[0]))
    assert torch.equal(crops[1], read_image(path, 8, 1, (0, 0, 64, 48)))  # no draft beside boxes
    assert torch.equal(crops[2], read_image(path, 8, 1, boxes[2]))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("extension", ["png", "jpg", "webp", "tif"])
def test_a_header_gives_the_upright_size(tmp_path: Path, extension: str, orientation: int) -> None:
    path = rotated(tmp_path / f"a.{extension}", gradient(), orientation)
    width, height = (24, 32) if orientation >= 5 else (32, 24)
    assert read_header(path) == Header(width, height, grey=False)
    whole = read_image(path, 8, 3, (0, 0, width, height))
    assert torch.equal(whole, read_image(path, 8, 3, (-1, -1, 99, 99)))


@pytest.mark.parametrize(
    ("mode", "grey"),
    [("1", True), ("L", True), ("LA", True), ("I;16", True), ("RGB", False), ("RGBA", False)],
)
def test_a_header_tells_grey_from_colour(tmp_path: Path, mode: str, grey: bool) -> None:
    Image.new(mode, (5, 4)).save(tmp_path / "a.png")
    assert read_header(tmp_path / "a.png") == Header(5, 4, grey)


def test_a_header_is_read_without_the_pixels(tmp_path: Path) -> None:
    short = tmp_path / "a.png"
    short.write_bytes(save(tmp_path / "whole.png", gradient()).read_bytes()[:60])
    assert read_header(short) == Header(32, 24, grey=False)


def test_a_broken_header_is_named_on_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=rf"^{tmp_path}/a\.png: found no readable image \("):
        read_header(tmp_path / "a.png")
    for path in (tmp_path / "a.png", tmp_path / "missing.png", tmp_path):
        with pytest.raises(DataError) as caught:
            read_header(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)
