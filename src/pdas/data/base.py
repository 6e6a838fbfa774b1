"""What a data set is, and all data sets by name.

A data set is one file in `sets/`: a function that reads it, registered in `SETS` with what it is.
`docs/adding-a-data-set.md` adds one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from pdas.support.errors import DataError
from pdas.support.refusals import refuse
from pdas.support.registry import Registry

if TYPE_CHECKING:
    from pdas.data.images import ImageData

GIB = 2**30

Use: TypeAlias = Literal["labelled", "restoration"]
"""What images are for: to predict their labels, or to restore what is hidden of them."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """Which images of a data set, and in which form. The defaults of the set are filled in.

    Attributes:
        name: of the data set.
        use: what the images are for.
        data_dir: where the files are, if the user named a directory.
        image_size: height and width in pixels; None: as they are stored.
        channels: 1 (grey) or 3 (RGB); None: as they are stored.
        crops: squares drawn from each training image; None: the set decides.
        test_fraction: part of each class that is held out, where the set has no test part.
        seed: draws what is held out, and the crops.
        memory_limit: bytes that the images may take in memory.
        workers: processes that decode files.
        download: whether files may be written into `data_dir`.
        center_crop: the side of the central square that is used, as a share of the shorter side;
            None: the whole of each image.
        random_areas: whether training resizes random areas, so images have to keep their size.

    Example:
        request.folder("a folder with images.npz")  # in the `read` of a data set
    """

    name: str
    use: Use
    data_dir: Path | None
    image_size: int | None
    channels: int | None
    crops: int | None
    test_fraction: float
    seed: int
    memory_limit: int
    workers: int
    download: bool
    center_crop: float | None = None
    random_areas: bool = False

    def folder(self, expected: str) -> Path:
        """The directory of the data, which has to be there.

        Args:
            expected: what is looked for in it, for the message.

        Raises:
            DataError: none is named, or it is not there.
        """
        if self.data_dir is None:
            remedy = "add --data-dir DIR"
            refuse(DataError, "--data-dir", found="none", expected=expected, remedy=remedy)
        if not self.data_dir.is_dir():
            found, remedy = f"no folder {self.data_dir}", "name another or make it"
            refuse(DataError, "--data-dir", found=found, expected=expected, remedy=remedy)
        return self.data_dir


@dataclass(frozen=True)
class Form:
    """The form of images where the settings do not say it.

    Attributes:
        size: height and width in pixels; None: as stored.
        channels: 1 or 3; None: as stored.

    Example:
        Form(size=64, channels=3)
    """

    size: int | None = None
    channels: int | None = None


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """A set of images.

    Attributes:
        read: gives training and test images in the form that is requested. `pdas.data.reading`
            converts arrays and decodes files. It imports what is heavy (torch) itself.
        labelled: the form of the images with labels; None: they have no labels.
        restoration: the form of the images to be restored; None: they are not for this use.
        takes_crops: whether `Request.crops` means something to it.
        any_shape: whether labelled images have shapes of their own, so that
            `Request.center_crop` means something to it.
        has_test: whether it has a test part of its own; if not, a part is held out.

    Example:
        SETS.add("digits", DataSet(read=read, labelled=Form(), has_test=False))
    """

    read: Callable[[Request], ImageData]
    labelled: Form | None = None
    restoration: Form | None = None
    takes_crops: bool = False
    any_shape: bool = False
    has_test: bool = True

    def form(self, use: Use) -> Form | None:
        """The form of the images for a use; None if the set does not serve it.

        Args:
            use: what the images are for.
        """
        return self.labelled if use == "labelled" else self.restoration


SETS: Registry[DataSet] = Registry("data.name", "pdas.data.sets")


def names(use: Use) -> tuple[str, ...]:
    """The names of the data sets for a use, in alphabetical order.

    Args:
        use: what the images are for.
    """
    return tuple(name for name in SETS.names() if SETS[name].form(use) is not None)
