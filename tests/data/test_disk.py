"""Images that stay in their files: batches, boxes, worker processes, broken files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pdas.data import decode
from pdas.data.decode import read_image
from pdas.data.disk import DiskImages
from pdas.data.views.standardise import channel_statistics
from pdas.support.errors import DataError


def save(path: Path, pixels: np.ndarray) -> Path:
    Image.fromarray(pixels).save(path)
    return path


def random_pixels(height: int, width: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_file_that_breaks_a_worker_is_named_on_one_line(tmp_path: Path, workers: int) -> None:
    good = save(tmp_path / "good.png", random_pixels(8, 8))
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
    good = str(save(tmp_path / "good.png", random_pixels(8, 8)))
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
    path = str(save(tmp_path / "a.png", random_pixels(8, 8)))
    labels = torch.zeros(8, dtype=torch.int64)
    source = DiskImages([path] * 8, labels, size=8, channels=1, workers=1000)
    assert sum(len(images) for images, _ in source.batches(torch.arange(8).split(2))) == 8


def test_images_keep_the_names_of_their_files_in_memory_and_in_parts(tmp_path: Path) -> None:
    paths = []
    for name in ("a/1.png", "b/1.png", "b/2.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        paths.append(str(save(tmp_path / name, random_pixels(8, 8))))
    source = DiskImages(paths, torch.tensor([0, 1, 1]), size=8, channels=3, workers=0)
    for images in (source, source.read(), source.read().to("cpu")):
        part = images.subset(torch.tensor([2, 0])).subset(torch.tensor([1, 0]))
        assert list(part.names or ()) == ["a/1.png", "b/2.png"]


def test_reading_all_gives_the_files_in_order(tmp_path: Path) -> None:
    paths = [
        str(save(tmp_path / f"{i}.png", np.full((4, 4), i, dtype=np.uint8))) for i in range(150)
    ]
    source = DiskImages(paths, torch.arange(150), size=4, channels=1, workers=2)
    in_memory = source.read()
    assert in_memory.images[:, 0, 0, 0].tolist() == in_memory.labels.tolist() == list(range(150))


@pytest.mark.parametrize("workers", [0, 2])
def test_boxes_are_those_of_their_files_in_any_order(tmp_path: Path, workers: int) -> None:
    files = [str(save(tmp_path / f"{i}.png", random_pixels(20, 30, seed=i))) for i in range(2)]
    paths = [files[0]] * 3 + [files[1]] * 3
    boxes = [(i, 2 * i, i + 9, 2 * i + 9) for i in range(6)]
    source = DiskImages(paths, torch.arange(6), size=7, channels=3, workers=workers, boxes=boxes)
    order = [torch.tensor([5, 0, 1]), torch.tensor([2, 4])]
    for part, (images, labels) in zip(order, source.batches(order), strict=True):
        singly = [read_image(paths[i], 7, 3, boxes[i]) for i in part.tolist()]
        assert torch.equal(images, torch.stack(singly)) and torch.equal(labels, part)


def test_a_file_is_decoded_once_for_all_its_boxes_in_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(save(tmp_path / "a.png", random_pixels(8, 8)))
    opened: list[object] = []
    real = decode.open_file
    monkeypatch.setattr(
        decode, "open_file", lambda file, most: opened.append(file) or real(file, most)
    )
    boxes = [(0, 0, 4, 4)] * 40
    labels = torch.zeros(40, dtype=torch.int64)
    DiskImages([path] * 40, labels, size=4, channels=3, workers=0, boxes=boxes).read()
    assert opened == [path]


def test_a_box_without_pixels_is_named_with_its_file(tmp_path: Path) -> None:
    path = str(save(tmp_path / "a.png", random_pixels(8, 8)))
    labels = torch.zeros(2, dtype=torch.int64)
    boxes = [(0, 0, 4, 4), (8, 0, 9, 4)]
    source = DiskImages([path] * 2, labels, size=4, channels=3, workers=0, boxes=boxes)
    with pytest.raises(DataError, match=f"^{path}: found the box \\(8, 0, 9, 4\\) "):
        source.check()
