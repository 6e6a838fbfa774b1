"""What every data set must do: `pdas.data.base.DataSet` as tests."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor

from pdas.data.base import GIB, SETS, Use
from pdas.data.images import ImageData, ImageSource, MemoryImages
from pdas.data.load import load_images
from pdas.data.settings import ImageSettings, LabelledDataSettings, RestorationDataSettings
from pdas.support.errors import DataError, PdasWarning, SettingError
from pdas.testing.refusal import refusal

SETTINGS: tuple[type[ImageSettings], ...] = (LabelledDataSettings, RestorationDataSettings)
SIZE = 20  # of converted images: hardly any set has it
ONE_BYTE = 1 / GIB
MOST_SHARED = 0.05  # of the test images: some real sets have a few images twice


@dataclass(frozen=True)
class Loader:
    """Reads a data set for one use.

    Attributes:
        settings: the class of the settings for this use.
        name: of the data set.
        data_dir: where its files are, if it needs that.

    Example:
        Loader(LabelledDataSettings, "digits", None)(image_size=20).train
    """

    settings: type[ImageSettings]
    name: str
    data_dir: Path | None

    @property
    def use(self) -> Use:
        """What the images are for."""
        return self.settings.use

    def __call__(self, *, download: bool = True, **settings: object) -> ImageData:
        values = {"name": self.name, "workers": 0, **settings}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PdasWarning)  # of grey images
            return load_images(self.settings.model_validate(values), self.data_dir, download)


def loaders(name: str, data_dir: Path | None) -> Iterator[Loader]:
    """One for each use of the set."""
    for settings in SETTINGS:
        if SETS[name].form(settings.use) is not None:
            yield Loader(settings, name, data_dir)


def pixels(source: ImageSource) -> Tensor:
    """All images of a source in one tensor."""
    (batch,) = source.batches([torch.arange(len(source), device="cpu")])
    return batch[0]


def texts(source: ImageSource) -> list[bytes]:
    """The pixels of each image, sorted."""
    return sorted(image.numpy().tobytes() for image in pixels(source))


class DataSetTests:
    """Inherit it in a test file, under a name that begins with `Test`, and give the fixtures.

    `name`: that of the data set, registered before.
    `data_dir`: the directory of a small copy. Only for a set that needs one.

    Example:
        class TestDigits(DataSetTests):
            @pytest.fixture
            def name(self):
                return "digits"
    """

    @pytest.fixture
    def data_dir(self) -> Path | None:
        """The directory of a small copy; none by default."""
        return None

    def test_it_serves_a_use(self, name: str) -> None:
        assert name in SETS
        assert list(loaders(name, None)), "it has neither labels nor images to be restored"

    def test_images_have_the_form_of_the_set(self, name: str, data_dir: Path | None) -> None:
        for load in loaders(name, data_dir):
            form, data = SETS[name].form(load.use), load()
            assert form is not None
            assert len(data.train) >= 2 and len(data.test) >= 1
            for part in (data.train, data.test):
                images = pixels(part)
                assert images.dtype == torch.uint8 and tuple(images.shape[1:]) == part.image_shape
                channels, height, width = part.image_shape
                assert height == width == (form.size or height)
                assert channels == (form.channels or channels) and channels in (1, 3)

    @pytest.mark.parametrize("channels", [1, 3])
    def test_images_are_converted(self, name: str, data_dir: Path | None, channels: int) -> None:
        for load in loaders(name, data_dir):
            data = load(image_size=SIZE, channels=channels)
            for part in (data.train, data.test):
                assert tuple(pixels(part).shape[1:]) == (channels, SIZE, SIZE)

    def test_labels_are_of_classes(self, name: str, data_dir: Path | None) -> None:
        for load in loaders(name, data_dir):
            data = load()
            classes = set(range(len(data.classes)))
            assert len(set(data.classes)) == len(data.classes)
            for part in (data.train, data.test):
                assert part.labels.dtype == torch.int64 and len(part.labels) == len(part)
                assert set(part.labels.tolist()) <= classes
            if load.use == "labelled":
                assert len(classes) >= 2 and set(data.train.labels.tolist()) == classes

    def test_no_test_image_is_trained_on(self, name: str, data_dir: Path | None) -> None:
        for load in loaders(name, data_dir):
            data = load()
            trained, tested = set(texts(data.train)), texts(data.test)
            assert sum(image in trained for image in tested) <= MOST_SHARED * len(tested)

    def test_the_seed_decides_which_images(self, name: str, data_dir: Path | None) -> None:
        for load in loaders(name, data_dir):
            with torch.random.fork_rng():
                torch.manual_seed(1)
                first = load(split_seed=5)
                torch.manual_seed(2)
                state = torch.get_rng_state()
                again = load(split_seed=5)
                assert torch.equal(torch.get_rng_state(), state), "it drew from torch's generator"
            for part in ("train", "test"):
                one, other = getattr(first, part), getattr(again, part)
                assert torch.equal(pixels(one), pixels(other))
                assert torch.equal(one.labels, other.labels)

    def test_the_test_part_is_its_own_or_held_out(self, name: str, data_dir: Path | None) -> None:
        for load in loaders(name, data_dir):
            data, other, more = load(), load(split_seed=1), load(test_fraction=0.5)
            if SETS[name].has_test:
                assert texts(data.test) == texts(other.test) == texts(more.test)
            else:
                assert texts(data.test) != texts(other.test) and len(more.test) > len(data.test)
                everything = sorted(texts(data.train) + texts(data.test))
                assert everything == sorted(texts(other.train) + texts(other.test))

    def test_crops_are_so_many_of_each_training_image(
        self, name: str, data_dir: Path | None
    ) -> None:
        if not SETS[name].takes_crops:
            pytest.skip(f"{name} takes no crops")
        for load in loaders(name, data_dir):
            if load.use == "restoration":
                two, three = (load(crops=n, image_size=8).train for n in (2, 3))
                assert 3 * len(two) == 2 * len(three)

    def test_a_fingerprint_is_that_of_the_images_in_any_form(
        self, name: str, data_dir: Path | None
    ) -> None:
        for load in loaders(name, data_dir):
            found = load().train.fingerprint()
            assert found == load(image_size=SIZE, channels=1).train.fingerprint()

    def test_more_than_the_memory_limit_is_refused_or_stays_on_disk(
        self, name: str, data_dir: Path | None
    ) -> None:
        for load in loaders(name, data_dir):
            try:
                data = load(image_size=SIZE, memory_limit=ONE_BYTE)
            except SettingError as error:
                assert "\n" not in str(error) and "data.memory_limit" in str(error)
            else:
                assert not isinstance(data.train, MemoryImages)

    def test_a_missing_directory_is_refused(self, name: str, data_dir: Path | None) -> None:
        if data_dir is None:
            pytest.skip(f"{name} was given no directory")
        for load in loaders(name, data_dir / "nowhere"):
            with refusal(DataError):
                load(download=False)

    def test_nothing_is_downloaded_unasked(
        self, name: str, data_dir: Path | None, tmp_path: Path
    ) -> None:
        if data_dir is None:
            pytest.skip(f"{name} was given no directory")
        empty = tmp_path / "empty"
        empty.mkdir()
        for load in loaders(name, empty):
            with refusal(DataError):
                load(download=False)
        assert not list(empty.iterdir())
