"""CelebA from a tiny made-up copy of its layout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from loading import restoration
from PIL import Image

from pdas.data.disk import DiskImages
from pdas.data.images import ImageData, MemoryImages
from pdas.data.sets import celeba
from pdas.support.errors import DataError

Row = tuple[str, int, tuple[int, int, int, int]]  # name, part, x y width height

ROWS: list[Row] = [
    ("000001.jpg", 0, (5, 4, 20, 24)),
    ("000002.jpg", 1, (1, 1, 9, 9)),
    ("000003.jpg", 0, (10, 0, 30, 40)),
    ("000004.jpg", 2, (0, 0, 8, 8)),
    ("000005.jpg", 0, (30, 20, 40, 40)),  # partly outside
    ("000006.jpg", 2, (3, 9, 12, 6)),
    ("000007.jpg", 0, (0, 0, 0, 0)),  # no box
]


def write(root: Path, rows: list[Row]) -> Path:
    """As the official files, columns padded with blanks, images of 48x40."""
    (root / "img_celeba").mkdir(parents=True)
    for i, (name, _, _) in enumerate(rows):
        pixels = np.random.default_rng(i).integers(0, 256, (40, 48, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(root / "img_celeba" / name)
    lines = [f"{name} {' '.join(f'{value:>3}' for value in box)}" for name, _, box in rows]
    head = [str(len(rows)), "image_id x_1 y_1 width height"]
    (root / "list_bbox_celeba.txt").write_text("\n".join(head + lines) + "\n")
    partition = "".join(f"{name} {part}\n" for name, part, _ in rows)
    (root / "list_eval_partition.txt").write_text(partition)
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write(tmp_path / "celeba", ROWS)


def load(root: Path | None, **settings: object) -> ImageData:
    return restoration("celeba", data_dir=root, image_size=8, workers=0, **settings)


def by_hand(root: Path, name: str) -> torch.Tensor:
    x, y, width, height = next(box for file, _, box in ROWS if file == name)
    with Image.open(root / "img_celeba" / name) as image:
        face = image.crop((x, y, min(x + width, 48), min(y + height, 40)))
        pixels = np.array(face.resize((8, 8), Image.Resampling.BILINEAR))
    return torch.from_numpy(pixels).permute(2, 0, 1)


def test_faces_are_cropped_to_their_boxes(root: Path) -> None:
    data = load(root)
    assert isinstance(data.train, MemoryImages) and isinstance(data.test, MemoryImages)
    train = [by_hand(root, f"00000{i}.jpg") for i in (1, 3, 5)]
    test = [by_hand(root, f"00000{i}.jpg") for i in (4, 6)]
    assert torch.equal(data.train.images, torch.stack(train))
    assert torch.equal(data.test.images, torch.stack(test))
    assert data.classes == ("image",) and data.train.labels.tolist() == [0, 0, 0]


def test_the_first_of_either_part_are_taken(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (celeba.TRAIN_IMAGES, celeba.TEST_IMAGES) == (101_000, 2_000)
    monkeypatch.setattr(celeba, "TRAIN_IMAGES", 2)
    monkeypatch.setattr(celeba, "TEST_IMAGES", 1)
    train, test = celeba.find_celeba(root)
    assert [Path(path).name for path in train.paths] == ["000001.jpg", "000003.jpg"]
    assert [Path(path).name for path in test.paths] == ["000004.jpg"]


def test_blank_lines_and_line_ends_do_not_matter(root: Path) -> None:
    expected = celeba.find_celeba(root)
    for name in (celeba.BOXES, celeba.PARTITION):
        text = (root / name).read_text()
        (root / name).write_bytes(text.replace("\n", "\r\n").encode() + b"\r\n")
    assert celeba.find_celeba(root) == expected


def test_a_set_too_large_for_memory_stays_on_disk(root: Path) -> None:
    on_disk, in_memory = load(root, memory_limit=5 * 3 * 64 - 1), load(root)
    assert isinstance(on_disk.train, DiskImages) and isinstance(in_memory.train, MemoryImages)
    assert torch.equal(on_disk.train.read().images, in_memory.train.images)
    assert isinstance(load(root, memory_limit=5 * 3 * 64).train, MemoryImages)


def refused(root: Path | None, **settings: object) -> str:
    with pytest.raises(DataError) as caught:
        load(root, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


LAYOUT = "img_celeba/*.jpg (in the wild), list_bbox_celeba.txt, list_eval_partition.txt"


def test_no_folder_named() -> None:
    expected = f"--data-dir: found none, expected CelebA: {LAYOUT}; add --data-dir DIR"
    assert refused(None) == expected


@pytest.mark.parametrize("name", ["img_celeba", "list_bbox_celeba.txt", "list_eval_partition.txt"])
def test_a_partial_layout(root: Path, name: str) -> None:
    (root / name).rename(root / "elsewhere")
    assert refused(root) == (
        f"--data-dir: found no {name} in {root}, expected the layout of CelebA: {LAYOUT}; add it"
    )


def test_missing_images(root: Path) -> None:
    for name in ("000003.jpg", "000005.jpg", "000002.jpg"):  # the last is of no part in use
        (root / "img_celeba" / name).unlink()
    assert refused(root) == (
        f"--data-dir: found no 000003.jpg in {root / 'img_celeba'}, one of 2 that "
        "list_eval_partition.txt names, expected the in-the-wild images; complete the folder"
    )


@pytest.mark.parametrize("memory_limit", [0, 10**6])
@pytest.mark.parametrize("name", ["000003.jpg", "000006.jpg"])
def test_a_broken_image(root: Path, name: str, memory_limit: int) -> None:
    path = root / "img_celeba" / name
    path.write_bytes(path.read_bytes()[:700])
    message = refused(root, memory_limit=memory_limit)
    assert message.startswith(f"{path}: found no readable image (")


def test_a_box_outside_its_image(tmp_path: Path) -> None:
    rows = [*ROWS, ("000008.jpg", 0, (48, 0, 5, 5))]
    root = write(tmp_path / "celeba", rows)
    message = refused(root)
    assert message.startswith(f"{root / 'img_celeba' / '000008.jpg'}: found the box (48, 0, 53, 5)")


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        (
            "list_bbox_celeba.txt",
            lambda text: text.replace(" 10   0  30  40", " 10   0  30"),
            "found '000003.jpg  10   0  30' in line 5, expected NAME X Y WIDTH HEIGHT; fetch it",
        ),
        (
            "list_bbox_celeba.txt",
            lambda text: text.replace(" 10   0  30  40", " 10   0  30  x"),
            "found '000003.jpg  10   0  30  x' in line 5, expected NAME X Y WIDTH HEIGHT; fetch",
        ),
        (
            "list_bbox_celeba.txt",
            lambda text: text.replace("000003", "000033"),
            "found no box of 000003.jpg, which list_eval_partition.txt names, expected one for ",
        ),
        (
            "list_eval_partition.txt",
            lambda text: text.replace("000001.jpg 0", "000001.jpg"),
            "found '000001.jpg' in line 1, expected NAME PART; fetch it again",
        ),
        (
            "list_eval_partition.txt",
            lambda text: text.replace(" 2", " 1"),
            "found 0 images of a part, expected at least 2 of part 0 (training) and 1 of part 2 ",
        ),
        (
            "list_eval_partition.txt",
            lambda text: "",
            "found 0 images of a part, expected at least 2 of part 0 (training) and 1 of part 2 ",
        ),
    ],
)
def test_malformed_annotations(
    root: Path, file: str, change: Callable[[str], str], message: str
) -> None:
    text = (root / file).read_text()
    assert change(text) != text
    (root / file).write_text(change(text))
    assert refused(root).startswith(f"{root / file}: {message}")
