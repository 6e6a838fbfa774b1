"""A new directory, and what of it remains after an error: never less than the user put there."""

from __future__ import annotations

from pathlib import Path

import pytest

from pdas.runs.directory import new_directory
from pdas.support.errors import RunError, SettingError

LEFT = ".pdas-config.yaml-0123456789abcdef.part"  # by a process that was killed


def lay_out(root: Path, names: str) -> None:
    """Make files, by their names with spaces between; those that end with a slash are folders."""
    for name in names.split():
        path = root / name
        (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            path.write_text(f"content of {name}")


def contents(root: Path) -> dict[str, str | None]:
    return {
        str(path.relative_to(root)): path.read_text() if path.is_file() else None
        for path in sorted(root.rglob("*"))
    }


@pytest.mark.parametrize(
    ("names", "new"),
    [
        ("", True),
        (LEFT, True),
        (f"{LEFT} .pdas-metrics.csv-00000000deadbeef.part", True),
        ("film.mp4.part", False),
        ("thesis.part/chapter1.txt", False),
        ("empty.part/", False),
        ("config.yaml.part", False),
        (".pdas-config.yaml.part", False),
        (".pdas-config.yaml-0123.part", False),
        (f"{LEFT}/", False),
        (f"{LEFT}/chapter1.txt", False),
        (f"{LEFT} note.txt", False),
    ],
)
def test_a_layout_is_new_or_taken_and_stays_as_it_is(tmp_path: Path, names: str, new: bool) -> None:
    lay_out(tmp_path, names)
    before = contents(tmp_path)
    with (
        pytest.raises(SettingError if new else RunError, match="^no$" if new else "is not empty"),
        new_directory(tmp_path, "--out"),
    ):
        raise SettingError("no")
    assert contents(tmp_path) == before


def test_a_link_with_the_name_of_a_left_over_is_of_the_user(tmp_path: Path) -> None:
    (tmp_path / LEFT).symlink_to("/dev/null")
    with pytest.raises(RunError, match="is not empty"), new_directory(tmp_path, "--out"):
        raise AssertionError("not reached")
    assert (tmp_path / LEFT).is_symlink()


def test_a_file_in_the_place_of_a_directory_is_named_as_that(tmp_path: Path) -> None:
    (tmp_path / "run").touch()
    with (
        pytest.raises(RunError, match=r"^--out: \S*run is not a directory; give another$"),
        new_directory(tmp_path / "run", "--out"),
    ):
        raise AssertionError("not reached")


@pytest.mark.parametrize("error", [SettingError("no"), ZeroDivisionError(), KeyboardInterrupt()])
@pytest.mark.parametrize(
    ("before", "meanwhile", "left"),
    [
        ("", "", ""),
        ("a/", "", "a"),
        ("a/other", "", "a a/other"),
        ("a/b/run/", "", "a a/b a/b/run"),
        ("", "a/b/run/note.txt", "a a/b a/b/run a/b/run/note.txt"),
        ("", "a/b/another/", "a a/b a/b/another"),
    ],
)
def test_after_an_error_empty_directories_that_were_made_are_removed(
    tmp_path: Path, error: BaseException, before: str, meanwhile: str, left: str
) -> None:
    lay_out(tmp_path, before)
    with pytest.raises(type(error)), new_directory(tmp_path / "a" / "b" / "run", "--out") as made:
        assert made.is_dir()
        lay_out(tmp_path, meanwhile)
        raise error
    assert list(contents(tmp_path)) == left.split()


def test_a_link_to_an_empty_directory_may_be_given(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real", target_is_directory=True)
    with new_directory(tmp_path / "link", "--out") as path:
        assert path == tmp_path / "link"


@pytest.mark.parametrize("name", ["full", "file", "file/new"])
def test_a_place_that_is_taken_is_named_and_stays(tmp_path: Path, name: str) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("x")
    (tmp_path / "file").write_text("y")
    with (
        pytest.raises(RunError, match=f"--seed: .*{name}"),
        new_directory(tmp_path / name, "--seed"),
    ):
        raise AssertionError("not reached")
    assert (tmp_path / "full" / "mine").read_text() == "x"
    assert (tmp_path / "file").read_text() == "y"


def test_a_name_that_is_too_long_is_one_line(tmp_path: Path) -> None:
    with (
        pytest.raises(RunError, match="cannot be made"),
        new_directory(tmp_path / ("a" * 300), "--out"),
    ):
        pass
