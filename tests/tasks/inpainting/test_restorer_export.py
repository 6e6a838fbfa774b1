"""The files of an exported restorer compute what it restores."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

import pdas
from pdas.experiment.export import FORMATS, export
from pdas.report.card import write_card
from pdas.runs.run import Run
from pdas.spaces.autoencoders.network import AutoencoderNetwork
from pdas.spaces.autoencoders.space import chain_text, decode_chain
from pdas.tasks.description import read_network


def by_weights(directory: Path) -> Callable[[Tensor], Tensor]:
    network = read_network(directory / "network.json").eval()
    network.load_state_dict(torch.load(directory / "state_dict.pt", weights_only=True))
    return lambda images: network(images).detach().clamp(0, 1)


def by_torch(directory: Path) -> Callable[[Tensor], Tensor]:
    program = torch.export.load(directory / "program.pt2").module()
    return lambda images: program(images).detach()  # type: ignore[no-any-return]


def by_onnx(directory: Path) -> Callable[[Tensor], Tensor]:
    session = importlib.import_module("onnxruntime").InferenceSession(directory / "network.onnx")
    return lambda images: torch.tensor(session.run(["restored"], {"images": images.numpy()})[0])


def test_images_and_masks_come_to_the_device_of_the_network(restored: Run) -> None:
    """On "meta" an operation of two devices is an error, as on a GPU."""
    restorer = pdas.load(restored.path)
    assert isinstance(restorer, pdas.Restorer)
    restorer.network.to("meta")
    images = torch.zeros(2, 3, 16, 16, dtype=torch.uint8)
    found = restorer.restore(images, torch.ones(16, 16, dtype=torch.bool))
    assert found.device.type == "meta" and found.shape == images.shape


@pytest.mark.parametrize("read", [by_weights, by_torch, by_onnx])
def test_hidden_pixels_are_restored_as_by_the_restorer(
    restored: Run, tmp_path: Path, read: Callable[[Path], Callable[[Tensor], Tensor]]
) -> None:
    name = dict(zip((by_weights, by_torch, by_onnx), FORMATS, strict=True))[read]
    program = read(export(restored.path, name, tmp_path / "out"))
    restorer = pdas.load(restored.path)
    assert isinstance(restorer, pdas.Restorer)
    for n in (1, 6):
        images = torch.randint(256, (n, 3, 16, 16), dtype=torch.uint8)
        hidden = torch.rand(n, 1, 16, 16) < 0.5
        pixels = program((images / 255).masked_fill(hidden, 0))
        assert pixels.min() >= 0 and pixels.max() <= 1
        found = torch.where(hidden, (pixels * 255).round().to(torch.uint8), images)
        difference = found.int() - restorer.restore(images, hidden).int()
        assert difference.abs().max() <= 1  # a value halfway may be rounded either way


def test_the_description_says_what_the_network_is(restored: Run, tmp_path: Path) -> None:
    file = export(restored.path, "state_dict", tmp_path / "out") / "network.json"
    found = json.loads(file.read_text())
    result = restored.retrainings()[0].read_json("result.json")
    assert found["architecture"] == result["architecture"]
    assert (found["format"], found["task"], found["image_shape"]) == (3, "inpainting", [3, 16, 16])
    assert found["network"] == result["network"] and found["network"]["space"] == "autoencoders"
    network = read_network(file)
    assert isinstance(network, AutoencoderNetwork)
    assert str(network) == chain_text(decode_chain(result["architecture"]))


def test_the_card_says_how_well_images_are_restored(restored: Run, tmp_path: Path) -> None:
    text = (write_card(restored.path, tmp_path / "card") / "README.md").read_text()
    result = restored.retrainings()[0].read_json("result.json")
    assert "| composited PSNR, dB | PSNR of hidden pixels, dB |" in text
    assert f"value: {result['psnr_hidden']:.4f}".rstrip("0") in text
    assert "pipeline_tag: image-to-image" in text and "network.restore(" in text
    assert (
        f"| network | {result['psnr']:.2f} ± {result['psnr_std']:.2f} |" in text
        and "| resize | none |" in text
    )
