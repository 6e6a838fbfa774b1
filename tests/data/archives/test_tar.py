"""Tar files read in place: damaged ones, and members that are no plain files."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from pdas.data.archives.tar import tar_images
from pdas.support.errors import DataError


def tar_of(path: Path, *members: tarfile.TarInfo | str) -> Path:
    with tarfile.open(path, "w") as tar:
        for member in members:
            info = tarfile.TarInfo(member) if isinstance(member, str) else member
            if info.isreg():
                info.size = 1000
            tar.addfile(info, io.BytesIO(info.name.encode().ljust(1000, b".")))
    return path


def nested(path: Path, content: bytes, name: str = "n1.tar") -> Path:
    with tarfile.open(path, "w") as tar:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    return path


def refused(path: Path, *, is_nested: bool = False) -> str:
    with pytest.raises(DataError) as caught:
        tar_images(path, nested=is_nested, keep=False)
    assert "\n" not in str(caught.value) and str(caught.value).startswith(f"{path}: found ")
    return str(caught.value)


def test_files_are_found_in_the_order_of_their_names_and_read_in_place(tmp_path: Path) -> None:
    path = tar_of(tmp_path / "a.tar", "b.JPEG", "./a.JPEG", "about.txt", ".hidden.JPEG")
    found = tar_images(path, nested=False, keep=False)
    assert [str(each) for each in found] == [f"{path}/a.JPEG", f"{path}/b.JPEG"]
    assert found[0].open(2000).read() == b"./a.JPEG".ljust(1000, b".")
    assert [each.name for each in found[1:]] == ["b.JPEG"]
    assert not list(tmp_path.glob("*.npz"))


def test_long_names_and_many_files_are_found(tmp_path: Path) -> None:
    names = [f"{i:04d}{'x' * 150}.JPEG" for i in range(300)]
    found = tar_images(tar_of(tmp_path / "a.tar", *names), nested=False, keep=True)
    again = tar_images(tmp_path / "a.tar", nested=False, keep=False)  # from the index
    assert [each.name for each in found] == [each.name for each in again] == names
    assert again[299].open(2000).read().startswith(names[299].encode())


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize(
    "member",
    [
        "../outside.JPEG",
        "/etc/absolute.JPEG",
        "a/../../b.JPEG",
        "folder/a.JPEG",
        special("a.JPEG", tarfile.SYMTYPE, "/etc/passwd"),
        special("a.JPEG", tarfile.LNKTYPE, "b.JPEG"),
        special("a.JPEG", tarfile.FIFOTYPE),
        special("a.JPEG", tarfile.CHRTYPE),
    ],
)
def test_what_is_no_plain_file_is_refused(tmp_path: Path, member: tarfile.TarInfo | str) -> None:
    path = tar_of(tmp_path / "a.tar", "b.JPEG", member)
    name = member if isinstance(member, str) else member.name
    assert f"{name.rstrip('/')!r} in it" in refused(path)


@pytest.mark.parametrize("keep", [0, 100, 512, 900, 1800, 2100, 3072, 3583])
def test_an_archive_that_is_cut_off_is_refused(tmp_path: Path, keep: int) -> None:
    path = tar_of(tmp_path / "a.tar", "a.JPEG", "b.JPEG")
    path.write_bytes(path.read_bytes()[:keep])
    assert "no whole tar file" in refused(path)


@pytest.mark.parametrize("at", [0, 100, 1536, 1700])
def test_a_damaged_header_is_refused_and_not_taken_for_the_end(tmp_path: Path, at: int) -> None:
    path = tar_of(tmp_path / "a.tar", "a.JPEG", "b.JPEG")
    content = bytearray(path.read_bytes())
    content[at : at + 20] = b"\xff" * 20
    path.write_bytes(content)
    assert "no whole tar file" in refused(path)


def test_what_is_no_tar_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(b"a page that says that you have to log in" * 100)
    assert "no whole tar file" in refused(path)
    assert "no whole tar file" in refused(
        nested(tmp_path / "b.tar", path.read_bytes()), is_nested=True
    )


def test_archives_in_an_archive_are_bounded_by_it(tmp_path: Path) -> None:
    inner = tar_of(tmp_path / "inner.tar", "a.JPEG", "b.JPEG").read_bytes()
    found = tar_images(nested(tmp_path / "a.tar", inner), nested=True, keep=False)
    assert [each.name for each in found] == ["n1/a.JPEG", "n1/b.JPEG"]
    assert found[1].open(2000).read() == b"b.JPEG".ljust(1000, b".")
    for cut in (600, 1800, 3072):
        path = nested(tmp_path / f"{cut}.tar", inner[:cut])
        assert "no whole tar file" in refused(path, is_nested=True)
    assert "'n1.zip' in it" in refused(nested(tmp_path / "c.tar", inner, "n1.zip"), is_nested=True)


def test_a_file_that_shrinks_afterwards_is_an_error_that_says_so(tmp_path: Path) -> None:
    path = tar_of(tmp_path / "a.tar", "a.JPEG", "b.JPEG")
    found = tar_images(path, nested=False, keep=False)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(ValueError, match="the archive ends before it does"):
        found[1].open(2000)
    with pytest.raises(ValueError, match="1000 bytes, more than 10"):
        found[0].open(10)
