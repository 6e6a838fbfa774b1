"""The development kit of ILSVRC 2012, which says what its validation images show."""

from __future__ import annotations

import tarfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from pdas.data.archives.matlab import read_matlab
from pdas.support.errors import DataError, reason
from pdas.support.opening import read_bytes
from pdas.support.refusals import refusal

FOLDER = "ILSVRC2012_devkit_t12"
ARCHIVE = f"{FOLDER}.tar.gz"
TRUTH = f"{FOLDER}/data/ILSVRC2012_validation_ground_truth.txt"
META = f"{FOLDER}/data/meta.mat"
LARGEST = 10**7  # bytes of a file; the official ones have less than a million


def is_there(root: Path) -> bool:
    """Whether a directory has it, packed or not."""
    return (root / FOLDER).is_dir() or (root / ARCHIVE).is_file()


def validation_classes(root: Path) -> list[str]:
    """The class of each validation image, as "n01440764", in the order of their numbers.

    Args:
        root: the directory that has it.

    Raises:
        DataError: it is damaged.
    """
    where = root / FOLDER if (root / FOLDER).is_dir() else root / ARCHIVE
    try:
        files = _unpacked(root) if where.is_dir() else _packed(where)
        rows = np.atleast_1d(read_matlab(files[META], LARGEST)["synsets"])
        # Numbers above 1000 are those of groups of classes.
        names = {int(row["ILSVRC2012_ID"]): str(row["WNID"]) for row in rows}
        return [names[int(line)] for line in files[TRUTH].split()]
    except Exception as error:  # scipy's reader and damaged archives fail in many ways
        raise refusal(
            DataError,
            str(where),
            found=f"no labels of the validation images ({reason(error)})",
            expected=f"the development kit, with {TRUTH} and {META}",
            remedy="fetch it again",
        ) from error


def _unpacked(root: Path) -> Mapping[str, bytes]:
    return {name: read_bytes(root / name, LARGEST) for name in (TRUTH, META)}


def _packed(archive: Path) -> Mapping[str, bytes]:
    found: dict[str, bytes] = {}
    with tarfile.open(archive, "r:gz") as tar:
        for info in tar:
            if info.name not in (TRUTH, META) or not info.isreg():
                continue
            if info.size > LARGEST:
                raise ValueError(f"{info.name} has {info.size} bytes, more than {LARGEST}")
            file = tar.extractfile(info)
            assert file is not None  # of a regular file
            found[info.name] = file.read()
    return found
