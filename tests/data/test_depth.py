"""Images of every mode and depth against the grey levels that they mean, computed by hand."""

from __future__ import annotations

import struct
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from pdas.data.decode import image_pixels, read_header, read_image
from pdas.data.files import EXTENSIONS, FORMATS
from pdas.support.errors import DataError

RAMP = np.arange(64).reshape(8, 8)
LEVELS = RAMP * 4  # the 8-bit picture that all the others are of
SIZE = 8
LARGEST = 281  # the TIFF tag MaxSampleValue


def tiff(path: Path, values: np.ndarray, largest: int | None = None, **options: object) -> None:
    """A TIFF file of any type, which may name its largest value."""
    tags = [] if largest is None else [(LARGEST, 3, 1, largest, True)]
    options.setdefault("photometric", "rgb" if values.ndim == 3 else "minisblack")
    tifffile.imwrite(path, values, extratags=tags, **options)


def png(path: Path, values: np.ndarray, significant: list[int] | None = None) -> None:
    """A PNG file of 16 bits, grey or in colour, perhaps with the chunk sBIT."""
    height, width = values.shape[:2]
    colour = {2: 0, 3: 2}[values.ndim]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0))]
    if significant:
        chunks.append((b"sBIT", bytes(significant)))
    chunks += [(b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
            for kind, data in chunks
        )
    )


def pillow(path: Path, pixels: np.ndarray, mode: str | None = None, **options: object) -> None:
    image = Image.fromarray(pixels.astype(np.uint8))
    (image.convert(mode) if mode else image).save(path, **options)


def colours(values: np.ndarray) -> np.ndarray:
    return np.stack([values] * 3, axis=2)


def pgm(path: Path, values: np.ndarray, largest: int) -> None:
    data = values.astype(">u2" if largest > 255 else "u1").tobytes()
    path.write_bytes(b"P5 8 8 %d\n" % largest + data)


Write = Callable[[Path], None]

READ: dict[str, tuple[str, Write]] = {
    "L": ("png", lambda p: pillow(p, LEVELS)),
    "RGB": ("png", lambda p: pillow(p, LEVELS, "RGB")),
    "RGBA": ("png", lambda p: pillow(p, LEVELS, "RGBA")),
    "LA": ("png", lambda p: pillow(p, LEVELS, "LA")),
    "P": ("png", lambda p: pillow(p, LEVELS, "P")),
    "CMYK": ("tif", lambda p: pillow(p, colours(LEVELS), "CMYK")),
    "avif": ("avif", lambda p: pillow(p, LEVELS, quality=100, subsampling="4:4:4")),
    "jfif": ("jfif", lambda p: pillow(p, LEVELS, format="JPEG", quality=100)),
    "a JPEG file named PNG": ("png", lambda p: pillow(p, LEVELS, format="JPEG", quality=100)),
    "PNG 16": ("png", lambda p: png(p, LEVELS * 257)),
    "PNG 16 RGB": ("png", lambda p: png(p, colours(LEVELS * 257))),
    "PNG 12 in 16": ("png", lambda p: png(p, LEVELS * 16 + 15, [12])),
    "PNG 12 scaled to 16": ("png", lambda p: png(p, LEVELS * 256, [12])),
    "PNG 12 scaled to 16 RGB": ("png", lambda p: png(p, colours(LEVELS * 257), [12, 12, 12])),
    "PGM 12": ("pgm", lambda p: pgm(p, np.rint(LEVELS * 4095 / 255), 4095)),
    "PGM 8": ("pgm", lambda p: pgm(p, LEVELS, 255)),
    "TIFF uint8": ("tif", lambda p: tiff(p, LEVELS.astype(np.uint8))),
    "TIFF uint8 inverted": (
        "tif",
        lambda p: tiff(p, (255 - LEVELS).astype(np.uint8), photometric="miniswhite"),
    ),
    "TIFF uint16": ("tif", lambda p: tiff(p, (LEVELS * 257).astype(np.uint16))),
    "TIFF uint16 inverted": (
        "tif",
        lambda p: tiff(p, (65535 - LEVELS * 257).astype(np.uint16), photometric="miniswhite"),
    ),
    "TIFF uint16 RGB": ("tif", lambda p: tiff(p, colours(LEVELS * 257).astype(np.uint16))),
    "TIFF 12 in 16": (
        "tif",
        lambda p: tiff(p, (LEVELS * 16).astype(np.uint16), largest=4095),
    ),
    "TIFF int16": ("tif", lambda p: tiff(p, (LEVELS * 128).astype(np.int16))),
    "TIFF uint32": ("tif", lambda p: tiff(p, (LEVELS << 24).astype(np.uint32))),
    "TIFF int32": ("tif", lambda p: tiff(p, (LEVELS << 23).astype(np.int32))),
    "TIFF 8 in int32": ("tif", lambda p: tiff(p, LEVELS.astype(np.int32), largest=255)),
    "TIFF float32": ("tif", lambda p: tiff(p, (LEVELS / 255).astype(np.float32))),
    "TIFF float32 inverted": (
        "tif",
        lambda p: tiff(p, (1 - LEVELS / 255).astype(np.float32), photometric="miniswhite"),
    ),
}


@pytest.mark.parametrize(("extension", "write"), READ.values(), ids=READ)
def test_all_files_of_one_picture_are_read_alike(
    tmp_path: Path, extension: str, write: Write
) -> None:
    path = tmp_path / f"a.{extension}"
    write(path)
    lossy = path.read_bytes()[:4] == b"\xff\xd8\xff\xe0" or extension == "avif"
    expected = torch.from_numpy(LEVELS).expand(1, 8, 8)
    for channels in (1, 3):
        difference = read_image(path, SIZE, channels).int() - expected
        assert difference.abs().max() <= (4 if lossy else 0)
    assert (read_header(path).width, read_header(path).height) == (8, 8)


def test_one_bit(tmp_path: Path) -> None:
    black_and_white = (RAMP % 2).astype(bool)
    Image.fromarray(black_and_white).save(tmp_path / "a.png")
    assert torch.equal(
        read_image(tmp_path / "a.png", SIZE, 1)[0],
        torch.from_numpy(black_and_white * np.uint8(255)),
    )


def test_black_is_black_in_every_depth(tmp_path: Path) -> None:
    black = np.zeros((8, 8))
    png(tmp_path / "a.png", black)
    tiff(tmp_path / "a.tif", black.astype(np.int32))
    tiff(tmp_path / "b.tif", black.astype(np.float32))
    for name in ("a.png", "a.tif", "b.tif"):
        assert not read_image(tmp_path / name, SIZE, 1).any()


RANGE = "expected values of the whole range, or a file that says how many bits it uses"

REFUSED: dict[str, tuple[str, Write, str]] = {
    "PNG 12 in 16, not told": ("png", lambda p: png(p, LEVELS * 16 + 15), "up to 4047 in 16 bits"),
    "PNG 12 in 16 RGB, not told": (
        "png",
        lambda p: png(p, colours(LEVELS * 16)),
        "colours of 16 bits with values below 4096 only",
    ),
    "PNG 12 in 16 RGB": (
        "png",
        lambda p: png(p, colours(LEVELS * 16), [12, 12, 12]),
        "colours of 16 bits with values below 4096 only",
    ),
    "TIFF 8 in uint16": ("tif", lambda p: tiff(p, LEVELS.astype(np.uint16)), "252 in 16 bits"),
    "TIFF 12 in int16": (
        "tif",
        lambda p: tiff(p, RAMP.astype(np.int16)),
        "values up to 63 in 15 bits",
    ),
    "TIFF 8 in int32": ("tif", lambda p: tiff(p, LEVELS.astype(np.int32)), "up to 252 in 31"),
    "TIFF 16 in int32": (
        "tif",
        lambda p: tiff(p, (LEVELS * 257).astype(np.int32)),
        "up to 64764 in 31",
    ),
    "TIFF negative": (
        "tif",
        lambda p: tiff(p, ((RAMP - 32) * 1000).astype(np.int16)),
        "values from -32000 to 31000, expected values of at least 0",
    ),
    "TIFF int8": ("tif", lambda p: tiff(p, (RAMP - 32).astype(np.int8)), "signed values of 8"),
    "TIFF planes": (
        "tif",
        lambda p: tiff(
            p,
            np.stack([LEVELS * 257] * 3).astype(np.uint16),
            planarconfig="separate",
            photometric="rgb",
        ),
        "colours of 16 bits in planes",
    ),
    "TIFF float 0..255": (
        "tif",
        lambda p: tiff(p, LEVELS.astype(np.float32)),
        "floating point values from 0 to 252, expected values from 0 (black) to 1 (white)",
    ),
    "TIFF float -1..1": (
        "tif",
        lambda p: tiff(p, (RAMP / 31.5 - 1).astype(np.float32)),
        "floating point values from -1 to 1",
    ),
    "TIFF NaN": (
        "tif",
        lambda p: tiff(p, np.where(RAMP == 5, np.nan, 0.5).astype(np.float32)),
        "values that are NaN or infinite",
    ),
    "TIFF inf": (
        "tif",
        lambda p: tiff(p, np.where(RAMP == 5, np.inf, 0.5).astype(np.float32)),
        "values that are NaN or infinite",
    ),
}


@pytest.mark.parametrize(("extension", "write", "found"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_tell_its_range_is_refused_by_name(
    tmp_path: Path, extension: str, write: Write, found: str
) -> None:
    path = tmp_path / f"a.{extension}"
    write(path)
    with pytest.raises(DataError) as caught:
        read_image(path, SIZE, 1)
    message = str(caught.value)
    assert message.startswith(f"{path}: found ") and found in message and "\n" not in message
    assert message.endswith("; save it with 8 bits or remove it")


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        ((LEVELS * 257).astype(np.uint16), LEVELS),
        ((LEVELS / 255).astype(np.float32), LEVELS),
        ((LEVELS << 23).astype(np.int32), LEVELS),
    ],
)
def test_an_image_in_memory_is_read_by_its_type(pixels: np.ndarray, expected: np.ndarray) -> None:
    assert torch.equal(
        image_pixels(Image.fromarray(pixels), SIZE, 1)[0].long(), torch.from_numpy(expected)
    )
    with pytest.raises(DataError, match=r"^images: found .* 252"):
        image_pixels(Image.fromarray(LEVELS.astype(pixels.dtype)), SIZE, 1)


def test_the_content_does_not_choose_the_decoder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PIL has PostScript drawn by another program."""
    path = tmp_path / "a.png"
    Image.new("RGB", (8, 8)).save(path, format="EPS")
    monkeypatch.setattr(subprocess, "Popen", lambda *command, **how: pytest.fail("a program"))
    for read in (read_header, lambda file: read_image(file, SIZE, 3)):
        with pytest.raises(DataError, match="found no readable image"):
            read(path)


def test_formats_are_those_of_the_extensions() -> None:
    Image.init()
    assert {Image.EXTENSION[extension] for extension in EXTENSIONS} == set(FORMATS)
    assert set(FORMATS) <= set(Image.OPEN)
