"""ImageNet in a made-up copy: layouts, archives, draws, ranks, refusals."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from pdas.data import disk
from pdas.data.batches import Batches
from pdas.data.images import ImageData, ImageSource
from pdas.data.splits import share_of_classes
from pdas.resume.batches import ResumableBatches
from pdas.support.errors import DataError
from pdas.testing import DataSetTests
from tests.data.loading import labelled
from tests.made_up_photographs import CLASSES, as_archives, flat_validation, made_up_photographs

FORM = {"image_size": 32, "center_crop": 0.875, "workers": 0}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("folders")
    return made_up_photographs(root / "images", classes=4, train=8, val=3)


@pytest.fixture(scope="module")
def flat(folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("flat") / "images"
    shutil.copytree(folders, root)
    flat_validation(root)
    return root


@pytest.fixture(scope="module")
def archives(flat: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return as_archives(flat, tmp_path_factory.mktemp("archives") / "tars")


@pytest.fixture
def copy(folders: Path, tmp_path: Path) -> Path:
    root = tmp_path / "copy"
    shutil.copytree(folders, root)
    return root


def pixels(source: ImageSource) -> torch.Tensor:
    ((images, _),) = source.batches([torch.arange(len(source))])
    return images


class TestImageNet(DataSetTests):
    @pytest.fixture
    def name(self) -> str:
        return "imagenet"

    @pytest.fixture
    def data_dir(self, folders: Path) -> Path:
        return folders


def test_the_whole_made_up_copy_has_the_layout_of_the_real_one(tmp_path: Path) -> None:
    root = made_up_photographs(tmp_path / "all", train=2, val=1)
    data = labelled("imagenet", root)
    assert data.classes == CLASSES and len(data.train) == 40 and len(data.test) == 20
    assert data.train.image_shape == (3, 224, 224)
    assert data.statistics == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    assert (
        data.train.names is not None and data.train.names[2] == f"{CLASSES[1]}/{CLASSES[1]}_0.JPEG"
    )
    assert labelled("imagenet", root, channels=1).statistics is None


def test_a_png_and_a_cmyk_image_named_jpeg_are_read(folders: Path) -> None:
    data = labelled("imagenet", folders, **FORM)
    # All images of the class are cut from one photograph, so their colours are alike.
    means = pixels(data.train)[:8].float().mean((2, 3))
    assert (means - means.mean(0)).abs().max() < 60


def test_folders_flat_images_and_archives_are_the_same(
    folders: Path, flat: Path, archives: Path
) -> None:
    data = [labelled("imagenet", root, **FORM) for root in (folders, flat, archives)]
    for other in data[1:]:
        assert other.classes == data[0].classes
        assert other.train.fingerprint() == data[0].train.fingerprint()
        for part in ("train", "test"):
            first, second = getattr(data[0], part), getattr(other, part)
            assert torch.equal(first.labels, second.labels)
            assert torch.equal(pixels(first), pixels(second))


def test_an_archive_is_indexed_again_when_it_changes(archives: Path, tmp_path: Path) -> None:
    root = tmp_path / "tars"
    shutil.copytree(archives, root)
    index = root / "ILSVRC2012_img_train.tar.pdas-index.npz"
    index.unlink(missing_ok=True)
    first = labelled("imagenet", root, **FORM)
    written = index.stat().st_mtime_ns
    assert labelled("imagenet", root, **FORM).train.names == first.train.names
    assert index.stat().st_mtime_ns == written
    index.write_bytes(index.read_bytes()[:-100])  # damaged: made again
    assert labelled("imagenet", root, **FORM).train.names == first.train.names
    assert index.stat().st_mtime_ns != written
    shutil.copytree(archives, tmp_path / "other")
    (tmp_path / "other" / index.name).write_bytes(index.read_bytes())  # of another file
    assert labelled("imagenet", tmp_path / "other", **FORM).train.names == first.train.names


# ---- draws


def passes(
    data: ImageData, *, seed: int = 0, workers: int = 0, part: tuple[int, int] = (0, 1)
) -> Batches:
    source = data.train
    source.workers = workers  # type: ignore[attr-defined]
    generator = torch.Generator().manual_seed(seed)
    batches = Batches(
        source,
        8,
        shuffle=generator,
        transform=lambda images: images.float(),
        drop_last=True,
        area_scale=(0.08, 1.0),
    )
    return batches if part == (0, 1) else batches.for_rank(*part)


def images_of(batches: Batches, count: int = 2) -> list[torch.Tensor]:
    return [images for _ in range(count) for images, _ in batches]


def test_areas_are_drawn_anew_in_every_pass_and_by_the_seed(folders: Path) -> None:
    data = labelled("imagenet", folders, **FORM)
    first = images_of(passes(data))
    assert all(map(torch.equal, first, images_of(passes(data))))
    assert not torch.equal(torch.cat(first[:4]).sum(), torch.cat(first[4:]).sum())
    assert not torch.equal(first[0], images_of(passes(data, seed=1))[0])


def test_the_number_of_workers_changes_no_batch(folders: Path) -> None:
    data = labelled("imagenet", folders, **FORM)
    alone = images_of(passes(data))
    assert all(map(torch.equal, alone, images_of(passes(data, workers=2))))


def test_ranks_read_their_own_parts_which_make_the_batch_of_one_process(
    folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = labelled("imagenet", folders, **FORM)
    alone = images_of(passes(data))
    read: list[int] = []
    real = disk.read_view
    monkeypatch.setattr(disk, "read_view", lambda *args: read.append(args[2]) or real(*args))
    ranks = [images_of(passes(data, part=(i, 2))) for i in range(2)]
    assert len(read) == 2 * 32  # two passes of 32 images, each by one rank
    for whole, first, second in zip(alone, *ranks, strict=True):
        assert torch.equal(whole, torch.cat([first, second]))


def test_a_pass_continues_where_it_was_without_decoding_what_it_skips(
    folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = labelled("imagenet", folders, **FORM)
    batches = ResumableBatches(passes(data))
    for _ in range(6):  # into the second pass of 4 batches
        next(batches)
    state = batches.state_dict()
    rest = [next(batches)[0] for _ in range(6)]
    read: list[int] = []
    real = disk.read_view
    monkeypatch.setattr(disk, "read_view", lambda *args: read.append(args[2]) or real(*args))
    resumed = ResumableBatches(passes(data, seed=9))
    resumed.load_state_dict(state)
    assert torch.equal(next(resumed)[0], rest[0])
    assert len(read) == 8  # one batch
    for expected in rest[1:]:
        assert torch.equal(next(resumed)[0], expected)


def test_a_share_of_each_class_is_the_same_by_its_seed() -> None:
    labels = torch.tensor(np.random.default_rng(0).permutation([0] * 50 + [1] * 20 + [2] * 3))
    kept = share_of_classes(labels, 0.1, seed=0)
    assert torch.bincount(labels[kept]).tolist() == [5, 2, 2]
    assert torch.equal(kept, share_of_classes(labels, 0.1, seed=0))
    assert not torch.equal(kept, share_of_classes(labels, 0.1, seed=1))
    assert torch.equal(share_of_classes(labels, 1.0, seed=0), torch.arange(73))


# ---- refusals


def refused(root: Path) -> str:
    with pytest.raises(DataError) as caught:
        labelled("imagenet", root, **FORM)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_wrong_folder_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path).startswith(
        f"--data-dir: found neither train nor ILSVRC2012_img_train.tar in {tmp_path}"
    )


def test_a_missing_validation_part_is_refused(copy: Path) -> None:
    shutil.rmtree(copy / "val")
    assert f"found neither val nor ILSVRC2012_img_val.tar in {copy}" in refused(copy)
    (copy / "val").mkdir()
    assert f"found no images in {copy / 'val'}" in refused(copy)


def test_other_classes_for_validation_are_refused(copy: Path) -> None:
    shutil.rmtree(copy / "val" / CLASSES[2])
    found = refused(copy)
    assert "found 4 classes for training and 3 for validation" in found
    assert f"only one has {CLASSES[2]}" in found


def test_a_class_without_images_is_refused(copy: Path) -> None:
    for file in (copy / "train" / CLASSES[1]).iterdir():
        file.unlink()
    assert f"found no images in {copy / 'train' / CLASSES[1]}" in refused(copy)


def test_a_class_with_one_image_is_refused(copy: Path) -> None:
    for file in sorted((copy / "train" / CLASSES[1]).iterdir())[1:]:
        file.unlink()
    assert f"found 1 training images of {CLASSES[1]}, expected at least 2" in refused(copy)


def test_one_class_is_refused(copy: Path) -> None:
    for name in CLASSES[1:4]:
        shutil.rmtree(copy / "train" / name)
    assert "found 1 classes in" in refused(copy)


def test_flat_images_without_labels_are_refused(flat: Path, tmp_path: Path) -> None:
    root = tmp_path / "copy"
    shutil.copytree(flat, root)
    truth = root / "ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt"
    truth.write_text("1\n")
    assert "_00000002.JPEG, an image without a label" in refused(root)
    truth.write_text("7000\n")
    assert "found no labels of the validation images" in refused(root)
    shutil.rmtree(root / "ILSVRC2012_devkit_t12")
    assert "without folders of classes, and no ILSVRC2012_devkit_t12.tar.gz" in refused(root)


def test_a_damaged_image_is_named_when_it_is_met(copy: Path) -> None:
    bad = copy / "train" / CLASSES[0] / f"{CLASSES[0]}_5.JPEG"
    bad.write_bytes(bad.read_bytes()[:300])
    data = labelled("imagenet", copy, **FORM)
    with pytest.raises(DataError, match=f"^{bad}: found no readable image"):
        pixels(data.train)
    with pytest.raises(DataError, match=f"^{bad}: found no readable image"):
        images_of(passes(data, workers=2))
