"""Masks against plain loops, their distribution, and masks of the user's own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from scipy.stats import binomtest, chisquare
from torch import Tensor

from pdas.data.batches import Batches
from pdas.data.images import MemoryImages
from pdas.data.masks import MASKS, MaskedBatches, draw_mask, find_mask
from pdas.data.views.standardise import Standardise
from pdas.support.errors import SettingError

SIZES = [(64, 64), (7, 9), (8, 5), (2, 3), (1, 1)]
UNIT = Standardise((0.0,) * 3, (1.0,) * 3)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(n: int, height: int, width: int, channels: int = 3) -> Tensor:
    return torch.rand((n, channels, height, width), generator=generator(9)) + 0.5  # no zeros


def halves(height: int, width: int) -> dict[str, list[list[bool]]]:
    """The four masks, pixel by pixel: the w // 2 columns or h // 2 rows next to a border."""
    rows, columns = range(height), range(width)
    return {
        "left": [[x < width // 2 for x in columns] for _ in rows],
        "right": [[width - 1 - x < width // 2 for x in columns] for _ in rows],
        "top": [[y < height // 2 for _ in columns] for y in rows],
        "bottom": [[height - 1 - y < height // 2 for _ in columns] for y in rows],
    }


@pytest.mark.parametrize("name", MASKS)
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_form(name: str, height: int, width: int) -> None:
    hidden = MASKS[name](images(5, height, width), generator())
    assert hidden.dtype == torch.bool and hidden.shape == (5, 1, height, width)


def test_center_hides_the_central_32_of_64() -> None:
    hidden = MASKS["center"](images(2, 64, 64), generator())
    expected = [[16 <= y < 48 and 16 <= x < 48 for x in range(64)] for y in range(64)]
    assert hidden[0, 0].tolist() == hidden[1, 0].tolist() == expected


@pytest.mark.parametrize(("height", "width"), [(7, 9), (8, 5), (10, 3), (64, 32)])
def test_center_of_other_sizes_is_half_and_central(height: int, width: int) -> None:
    hidden = MASKS["center"](images(1, height, width), generator())[0, 0]
    for length, along in ((height, hidden.any(1)), (width, hidden.any(0))):
        places = along.nonzero().flatten().tolist()
        assert places == list(range(places[0], places[0] + length // 2))
        before, after = places[0], length - 1 - places[-1]
        assert after - before in (0, 1)
    assert int(hidden.sum()) == (height // 2) * (width // 2)


def test_pixel_hides_each_pixel_with_probability_0_8() -> None:
    hidden = MASKS["pixel"](images(400, 8, 8), generator())
    assert binomtest(int(hidden.sum()), hidden.numel(), 0.8).pvalue > 1e-3
    counts = hidden.sum((0, 1)).flatten()  # of each place, Binomial(400, 0.8)
    assert (counts - 320).abs().max() < 6 * (400 * 0.8 * 0.2) ** 0.5
    pairs = hidden.flatten(1).float()
    both = (pairs[:, :-1] * pairs[:, 1:]).mean()  # neighbours are independent
    assert both.item() == pytest.approx(0.64, abs=0.02)


@pytest.mark.parametrize(("height", "width"), [(64, 64), (7, 9), (8, 5)])
def test_half_hides_one_of_four_halves_of_each_image(height: int, width: int) -> None:
    drawn = [mask[0].tolist() for mask in MASKS["half"](images(800, height, width), generator())]
    expected = halves(height, width)
    counts = [drawn.count(mask) for mask in expected.values()]
    assert sum(counts) == 800
    assert chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize("name", ["pixel", "half"])
def test_same_seed_same_mask_fresh_for_every_batch(name: str) -> None:
    batch = images(16, 8, 8)
    first, again, other = (MASKS[name](batch, generator(seed)) for seed in (0, 0, 1))
    assert torch.equal(first, again) and not torch.equal(first, other)
    going_on = generator()
    assert torch.equal(MASKS[name](batch, going_on), first)
    assert not torch.equal(MASKS[name](batch, going_on), first)


# Batches


def batches(n: int = 20, channels: int = 3) -> Batches:
    pixels = torch.randint(1, 256, (n, channels, 8, 8), dtype=torch.uint8, generator=generator(3))
    source = MemoryImages(pixels, torch.zeros(n, dtype=torch.int64))
    unit = Standardise((0.0,) * channels, (1.0,) * channels)
    return Batches(source, 8, shuffle=None, transform=unit, drop_last=False)


@pytest.mark.parametrize("name", MASKS)
@pytest.mark.parametrize("channels", [1, 3])
def test_hidden_pixels_are_0_in_all_channels_and_the_others_untouched(
    name: str, channels: int
) -> None:
    plain = batches(channels=channels)
    ours = MaskedBatches(plain, MASKS[name], generator())
    masks = generator()
    assert len(ours) == len(plain) == 3
    for (masked, clean), (x, _) in zip(ours, plain, strict=True):
        hidden = MASKS[name](x, masks)
        assert torch.equal(clean, x) and masked.dtype == clean.dtype == torch.float32
        for image, true, mask in zip(masked, clean, hidden[:, 0], strict=True):
            for channel in range(channels):
                assert torch.equal(image[channel] == 0, mask)  # clean images have no 0
                assert torch.equal(image[channel][~mask], true[channel][~mask])


@pytest.mark.parametrize("channels", [1, 3])
def test_batches_are_contiguous_and_not_channels_last(channels: int) -> None:
    for masked, clean in MaskedBatches(batches(channels=channels), MASKS["half"], generator()):
        for batch in (masked, clean):
            assert batch.stride() == (channels * 64, 64, 8, 1)


def test_what_is_given_is_left_alone() -> None:
    x = images(4, 8, 8)
    before = x.clone()
    for masked, clean in MaskedBatches([(x, None)], MASKS["pixel"], generator()):
        masked.zero_()
        clean.zero_()
    assert torch.equal(x, before)


def test_each_batch_and_each_pass_has_masks_of_its_own() -> None:
    same = [(images(8, 8, 8), None)] * 2
    ours = MaskedBatches(same, MASKS["pixel"], generator())
    passes = [masked for _ in range(2) for masked, _ in ours]
    assert len({masked.numpy().tobytes() for masked in passes}) == 4


def test_masks_of_a_test_depend_on_the_seed_alone() -> None:
    def masked(seed: int) -> Tensor:
        ours = MaskedBatches(batches(), MASKS["pixel"], generator(seed))
        return torch.cat([batch for batch, _ in ours])

    assert torch.equal(masked(0), masked(0)) and not torch.equal(masked(0), masked(1))


def test_a_mask_is_drawn_when_its_batch_is_taken() -> None:
    masks = generator()
    passes = iter(MaskedBatches(batches(), MASKS["pixel"], masks))
    first, _ = next(passes)
    expected = generator()
    MASKS["pixel"](first, expected)
    assert torch.equal(masks.get_state(), expected.get_state())


# Masks of the user's own


@pytest.mark.parametrize("shape", [(4, 1, 6, 5), (1, 1, 6, 5), (6, 5), (4, 1, 1, 1), ()])
def test_a_mask_that_broadcasts_is_taken(shape: tuple[int, ...]) -> None:
    own = torch.rand(shape, generator=generator()) < 0.5
    hidden = draw_mask(lambda batch, drawn: own, images(4, 6, 5), generator())
    assert torch.equal(hidden, own.broadcast_to(4, 1, 6, 5))


@pytest.mark.parametrize(
    ("result", "found"),
    [
        (torch.zeros(4, 1, 6, 5), "torch.float32 of shape (4, 1, 6, 5)"),
        (torch.zeros(4, 3, 6, 5, dtype=torch.bool), "torch.bool of shape (4, 3, 6, 5)"),
        (torch.zeros(4, 6, 5, dtype=torch.bool), "torch.bool of shape (4, 6, 5)"),
        (torch.zeros(1, 4, 1, 6, 5, dtype=torch.bool), "torch.bool of shape (1, 4, 1, 6, 5)"),
        (None, "NoneType"),
    ],
)
def test_a_result_that_is_no_mask_is_refused(result: object, found: str) -> None:
    ours = MaskedBatches([(images(4, 6, 5), None)], lambda batch, drawn: result, generator())
    with pytest.raises(SettingError) as caught:
        next(iter(ours))
    assert str(caught.value) == (
        f"mask: found a function that gives {found}, expected torch.bool of shape (4, 1, 6, 5) for "
        "images (4, 3, 6, 5); return True where a pixel is hidden"
    )


@pytest.mark.parametrize("name", MASKS)
def test_a_mask_is_found_by_name(name: str) -> None:
    assert find_mask(name) is MASKS[name]


OWN = """
import torch

def corner(images, generator):
    n, _, height, width = images.shape
    hidden = torch.zeros(n, 1, height, width, dtype=torch.bool)
    hidden[:, :, :2, :2] = True
    return hidden

number = 3
"""


@pytest.mark.parametrize("module", ["own_masks_of_a_test", "deeper.own_masks_of_a_test"])
def test_a_mask_from_a_file_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    (tmp_path / "deeper").mkdir()
    tmp_path.joinpath(*module.split(".")).with_suffix(".py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    path, modules = list(sys.path), set(sys.modules)
    mask = find_mask(f"{module}:corner")
    assert int(draw_mask(mask, images(2, 6, 6), generator()).sum()) == 8
    assert sys.path == path and module not in set(sys.modules) - modules


def test_a_mask_from_a_module_that_can_be_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "importable_masks_of_a_test.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    assert find_mask("importable_masks_of_a_test:corner").__name__ == "corner"


@pytest.mark.parametrize("name", ["centre", "", ":", "module:", ":function"])
def test_an_unknown_name(name: str) -> None:
    with pytest.raises(SettingError) as caught:
        find_mask(name)
    assert str(caught.value) == (
        f"mask: found {name!r}, expected center, pixel, half or MODULE:FUNCTION; set it to one of "
        "them"
    )


def refused(name: str) -> str:
    with pytest.raises(SettingError) as caught:
        find_mask(name)
    message = str(caught.value)
    assert "\n" not in message
    assert ", expected center, pixel, half or MODULE:FUNCTION; " in message
    return message


def test_modules_that_cannot_be_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert refused("nowhere_at_all:corner").startswith(
        "mask: found 'nowhere_at_all:corner' (No module named 'nowhere_at_all'), expected "
    )
    assert "(No module named" in refused("nowhere.at.all:corner")
    assert refused("..nowhere:corner").startswith("mask: found '..nowhere:corner' (")
    (tmp_path / "wrong_masks.py").write_text("def corner(:\n")
    assert refused("wrong_masks:corner").startswith("mask: found 'wrong_masks:corner' (invalid ")
    (tmp_path / "needy_masks.py").write_text("import nowhere_at_all\n")
    assert "(No module named 'nowhere_at_all')" in refused("needy_masks:corner")


@pytest.mark.parametrize("function", ["edge", "number"])
def test_a_function_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    (tmp_path / "few_masks.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    assert refused(f"few_masks:{function}") == (
        f"mask: found 'few_masks:{function}', but no function {function} in "
        f"{tmp_path / 'few_masks.py'}, expected center, pixel, half or MODULE:FUNCTION; define it "
        "or name another"
    )
