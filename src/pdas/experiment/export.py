"""A retrained network as files for other programs.

Each format is a function that writes its file beside `network.json`, loads it again, and returns
what it computes. This is compared with the network before the export is kept.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from pdas.runs.directory import new_directory
from pdas.runs.run import Run
from pdas.support.errors import PdasError, RunError, SettingError, reason
from pdas.support.refusals import check_one_of, refuse
from pdas.tasks.description import Description, read_network
from pdas.tasks.loading import load

TOLERANCE = 1e-4  # of the largest output
BATCH_SIZES = (1, 5)  # that are compared; programs are made with another one
_REMEDY = "try another version of torch, or --format state_dict"

Program = Callable[[Tensor], Tensor]


def export(path: str | Path, format: str = "state_dict", out: Path | None = None) -> Path:
    """Write the retrained network of a run into a new directory.

    The directory holds `network.json`, which `pdas.read_network` reads, and

    - "state_dict": `state_dict.pt`, the weights for the network of `read_network`;
    - "torch": `program.pt2`, for `torch.export.load`;
    - "onnx": `network.onnx`; it needs the extra `pdas-nas[onnx]`.

    The latter two take a batch of any size, of images in [0, 1]. After an error nothing is left.

    Args:
        path: a run directory, of which the first retraining is used, or one `retrain-<seed>/`.
        format: one of `FORMATS`.
        out: the directory; default `export-<format>` in that of the retraining.

    Returns:
        The directory.

    Raises:
        SettingError: the format is unknown, or an extra is missing.
        RunError: there is no finished retraining, its files are damaged, `out` is taken, or the
            exported network computes something else.

    Example:
        export("runs/digits-0", "onnx", Path("digits-onnx"))
    """
    check_one_of("--format", format, FORMATS)
    if format == "onnx":
        _require_onnx()
    retrained = Run.open(path).retrained()[0]
    model = load(retrained.path)
    description = model.description()
    # Plain layout: `torch.export.save` warns of weights that are channels-last.
    network = model.network.to(memory_format=torch.contiguous_format)
    out = retrained.inner(f"export-{format}") if out is None else out
    # Written elsewhere first, so that nothing half-made is left, even after an interrupt.
    with new_directory(out, "--out") as made, TemporaryDirectory() as name, _one_line(format):
        text = description.model_dump_json(indent=2) + "\n"
        Path(name, "network.json").write_text(text, encoding="utf-8")
        exported = FORMATS[format](description, network, Path(name))
        _check(exported, description.program(network), description.image_shape)
        for file in Path(name).iterdir():
            shutil.copyfile(file, made / file.name)
    return out


def _state_dict(description: Description, network: nn.Module, directory: Path) -> Program:
    file = directory / "state_dict.pt"
    torch.save(network.state_dict(), file)
    again = read_network(directory / "network.json").eval()
    again.load_state_dict(torch.load(file, weights_only=True))
    return description.program(again)


def _torch(description: Description, network: nn.Module, directory: Path) -> Program:
    file = directory / "program.pt2"
    program, arguments = _traced(description, network)
    torch.export.save(torch.export.export(program, **arguments), file)
    return torch.export.load(file).module()


def _onnx(description: Description, network: nn.Module, directory: Path) -> Program:
    file = directory / "network.onnx"
    program, arguments = _traced(description, network)
    torch.onnx.export(
        program,
        f=file,
        input_names=["images"],
        output_names=[description.output_name],
        dynamo=True,
        external_data=False,
        verbose=False,
        **arguments,
    )
    session = import_module("onnxruntime").InferenceSession(
        file, providers=["CPUExecutionProvider"]
    )
    return lambda images: torch.from_numpy(session.run(None, {"images": images.numpy()})[0])


FORMATS: Mapping[str, Callable[[Description, nn.Module, Path], Program]] = MappingProxyType(
    {"state_dict": _state_dict, "torch": _torch, "onnx": _onnx}
)
"""Name -> writes the file of a network into a directory, and returns what that file computes."""


def _traced(description: Description, network: nn.Module) -> tuple[nn.Module, dict[str, Any]]:
    """The arguments of both exporters: the program; a batch of zeros, and that its size is free."""
    return description.program(network).eval(), {
        "args": (torch.zeros(2, *description.image_shape),),
        "dynamic_shapes": ({0: torch.export.Dim("batch")},),
    }


@torch.no_grad()
def _check(exported: Program, program: Program, image_shape: tuple[int, int, int]) -> None:
    """Raise `RunError` if the two differ on random images."""
    generator = torch.Generator().manual_seed(0)
    for n in BATCH_SIZES:
        images = torch.rand(n, *image_shape, generator=generator)
        found, expected = exported(images), program(images)
        difference, largest = (found - expected).abs().max(), expected.abs().max()
        if not difference <= TOLERANCE * largest:  # written so that NaN is refused, too
            refuse(
                RunError,
                "export",
                found=f"outputs that differ by {difference:.1g} from those of the network",
                expected=f"at most {TOLERANCE:g} of their largest, {largest:.1g}",
                remedy=_REMEDY,
            )


@contextmanager
def _one_line(format: str) -> Iterator[None]:
    """Make one line of what an exporter cannot do: they raise errors of many kinds."""
    try:
        yield
    except PdasError:
        raise
    except Exception as error:
        raise RunError(
            f"export: torch {torch.__version__} could not write this network as {format} "
            f"({reason(error)}); {_REMEDY}"
        ) from error


def _require_onnx() -> None:
    for name in ("onnx", "onnxscript", "onnxruntime"):
        try:
            import_module(name)
        except ImportError:
            refuse(
                SettingError,
                "--format",
                found=f"no package {name}",
                expected="the extra of the format onnx",
                remedy="pip install 'pdas-nas[onnx]'",
            )
