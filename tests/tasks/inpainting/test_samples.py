"""The sheet of test images shows the pixels of its file, sharp."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib._pylab_helpers import Gcf
from PIL import Image

from pdas.drawing.style import LEAST_TEXT
from pdas.support.errors import RunError
from pdas.tasks.inpainting.samples import Samples, draw_samples, samples_figure

Write = Callable[..., dict[str, Any]]

ALL = ("masked", "restored", "composited", "clean")


def top_left_corners(sheet: np.ndarray, image: np.ndarray) -> list[tuple[int, int]]:
    """Where in a sheet an image stands, both `(H, W, 3)`: the first such place in each row."""
    height, width, _ = image.shape
    first, corners = image[0].tobytes(), []
    for y in range(len(sheet) - height + 1):
        x = sheet[y].tobytes().find(first) // 3
        if x >= 0 and (sheet[y : y + height, x : x + width] == image).all():
            corners.append((x, y))
    return corners


@pytest.mark.parametrize(("shape", "times"), [((3, 2, 3, 12, 16), 12), ((3, 3, 1, 64, 64), 3)])
def test_every_image_is_there_once_enlarged_and_in_its_place(
    tmp_path: Path, write_samples: Write, shape: tuple[int, ...], times: int
) -> None:
    arrays = write_samples(tmp_path, shape)
    path = draw_samples(tmp_path)
    assert path == tmp_path / "restored.png"
    with Image.open(path) as file:
        sheet = np.asarray(file.convert("RGB"))
    corners = np.empty((3, 4, shape[1], 2), int)
    for row, name in enumerate(ALL):
        for block, column in np.ndindex(shape[:2]):
            image = np.repeat(arrays[name][block, column], 3 // shape[2], axis=0)
            large = np.kron(image.transpose(1, 2, 0), np.ones((times, times, 1), np.uint8))
            (corners[block, row, column],) = top_left_corners(sheet, large)
    x, y = corners[..., 0], corners[..., 1]
    assert (x == x[0, 0]).all()
    assert (np.diff(x[0, 0]) > shape[4] * times).all()
    assert (y == y[:, :, :1]).all()
    assert (np.diff(y[:, :, 0].ravel()) > shape[3] * times).all()


def test_each_column_tells_both_psnrs(tmp_path: Path, write_samples: Write) -> None:
    arrays = write_samples(tmp_path)
    images = {name: arrays[name] for name in ALL}
    psnrs = {"restored": arrays["psnr"], "composited": arrays["psnr_composited"]}
    texts = samples_figure(Samples(images, psnrs)).texts
    written = [text.get_text() for text in texts]
    assert [text for text in written if text.endswith("dB")] == [
        f"{psnr:.2f} dB"
        for rows in zip(arrays["psnr"], arrays["psnr_composited"], strict=True)
        for psnr in np.concatenate(rows)
    ]
    assert [text for text in written if not text.endswith("dB")] == [
        *("best", "masked", "restored", "composited", "true"),
        *("median", "masked", "restored", "composited", "true"),
        *("worst", "masked", "restored", "composited", "true"),
    ]
    assert min(text.get_fontsize() for text in texts) >= LEAST_TEXT


def test_files_of_earlier_versions_have_no_composited_row(
    tmp_path: Path, write_samples: Write
) -> None:
    write_samples(tmp_path)
    with Image.open(draw_samples(tmp_path)) as file:
        tall = file.height
    write_samples(tmp_path, composited=None, psnr_composited=None)
    with Image.open(draw_samples(tmp_path)) as file:
        assert file.height < tall


def test_drawing_registers_no_figure_with_pyplot(tmp_path: Path, write_samples: Write) -> None:
    write_samples(tmp_path)
    draw_samples(tmp_path)
    assert not Gcf.figs


@pytest.mark.parametrize(
    "others",
    [
        {"masked": np.zeros((3, 2, 3, 12, 15), np.uint8)},
        {"restored": np.zeros((3, 2, 3, 12, 16), float)},
        {"composited": np.zeros((3, 2, 3, 12, 15), np.uint8)},
        {"clean": np.array([{}])},
        {"psnr": np.zeros((3, 1))},
        {"psnr_composited": np.zeros((3, 1))},
        {"psnr": np.array("high")},
        {"shape": (2, 2, 3, 12, 16)},
        {"shape": (3, 2, 2, 12, 16)},
        {"shape": (3, 0, 3, 12, 16)},
        {"shape": (3, 2, 12, 16)},
    ],
)
def test_images_that_make_no_sense_are_damaged(
    tmp_path: Path, write_samples: Write, others: dict[str, Any]
) -> None:
    write_samples(tmp_path, **others)
    with pytest.raises(RunError, match=r"^.*restored\.npz: damaged \(.*$"):
        draw_samples(tmp_path)
    assert not (tmp_path / "restored.png").exists()


def test_missing_and_broken_files_are_named(tmp_path: Path, write_samples: Write) -> None:
    with pytest.raises(RunError, match=r"restored\.npz: missing"):
        draw_samples(tmp_path)
    write_samples(tmp_path)
    whole = (tmp_path / "restored.npz").read_bytes()
    (tmp_path / "restored.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(RunError, match=r"restored\.npz: damaged \("):
        draw_samples(tmp_path)
