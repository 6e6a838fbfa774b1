"""A retrained network as files for other programs.

Each format is a function that makes the content of a file, loads it again, and returns both. What
it computes is compared with the network before anything is written.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from pdas.runs.directory import new_directory
from pdas.runs.run import Run
from pdas.support.errors import PdasError, RunError, SettingError, reason
from pdas.support.refusals import check_one_of, refuse
from pdas.support.writing.own_files import OwnFiles
from pdas.tasks.description import Description
from pdas.tasks.loading import load

TOLERANCE = 1e-4  # of the largest output
BATCH_SIZES = (1, 5)  # that are compared; programs are made with another one
_REMEDY = "try another version of torch, or --format state_dict"

Program = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Exported:
    """A network in one format: the name of its file, the content, and what that computes.

    Example:
        Exported("program.pt2", content, torch.export.load(io.BytesIO(content)).module())
    """

    file: str
    content: bytes
    program: Program


def export(path: str | Path, format: str = "state_dict", out: Path | None = None) -> Path:
    """Write the retrained network of a run into a new directory.

    The directory holds `network.json`, which `pdas.read_network` reads, and

    - "state_dict": `state_dict.pt`, the weights for the network of `read_network`;
    - "torch": `program.pt2`, for `torch.export.load`, with `network.json` among its extra files;
    - "onnx": `network.onnx`, with the content of `network.json` as its metadata; it needs the extra
      `pdas-nas[onnx]`.

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
    if not hasattr(model, "description"):
        refuse(
            RunError,
            "export",
            found=f"a {type(model).__name__} of a task whose networks are not exported",
            expected="one that describes itself",
            remedy="use pdas.load in Python",
        )
    description = model.description()
    # Plain layout: `torch.export.save` warns of weights that are channels-last.
    network = model.network.to(memory_format=torch.contiguous_format)
    out = retrained.inner(f"export-{format}") if out is None else out
    with new_directory(out, "--out") as made:
        with _one_line(format):
            exported = FORMATS[format](description, network)
            _check(exported.program, description.program(network), description.image_shape)
        text = _text(description)
        _write(made, {exported.file: exported.content, "network.json": text.encode()})
    return out


def _write(directory: Path, contents: Mapping[str, bytes]) -> None:
    """Write files, or none of them after an error."""
    files = OwnFiles(directory)
    try:
        for name, content in contents.items():
            with files.write(name) as file:
                file.write(content)
    except BaseException:
        files.remove()
        raise


def _state_dict(description: Description, network: nn.Module) -> Exported:
    content = _saved(torch.save, network.state_dict())
    again = description.build().eval()
    again.load_state_dict(torch.load(io.BytesIO(content), weights_only=True))
    return Exported("state_dict.pt", content, description.program(again))


def _torch(description: Description, network: nn.Module) -> Exported:
    program, arguments = _traced(description, network)
    about = {"network.json": _text(description)}
    content = _saved(
        partial(torch.export.save, extra_files=about), torch.export.export(program, **arguments)
    )
    return Exported("program.pt2", content, torch.export.load(io.BytesIO(content)).module())


def _onnx(description: Description, network: nn.Module) -> Exported:
    program, arguments = _traced(description, network)
    made: Any = torch.onnx.export(
        program,
        input_names=["images"],
        output_names=[description.output_name],
        dynamo=True,
        external_data=False,
        verbose=False,
        **arguments,
    )
    model = made.model_proto  # made anew each time it is asked for
    import_module("onnx").helper.set_model_props(model, description.properties())
    content = model.SerializeToString()
    session = import_module("onnxruntime").InferenceSession(
        content, providers=["CPUExecutionProvider"]
    )

    def run(images: Tensor) -> Tensor:
        return torch.from_numpy(session.run(None, {"images": images.numpy()})[0])

    return Exported("network.onnx", content, run)


FORMATS: Mapping[str, Callable[[Description, nn.Module], Exported]] = MappingProxyType(
    {"state_dict": _state_dict, "torch": _torch, "onnx": _onnx}
)
"""Name -> makes the file of a network."""


def _text(description: Description) -> str:
    return description.model_dump_json(indent=2) + "\n"


def _saved(save: Callable[[Any, io.BytesIO], None], content: object) -> bytes:
    file = io.BytesIO()
    save(content, file)
    return file.getvalue()


def _traced(description: Description, network: nn.Module) -> tuple[nn.Module, dict[str, Any]]:
    """The arguments of both exporters: the program; a batch of zeros, and that its size is free."""
    return description.program(network).eval(), {
        "args": (torch.zeros(2, *description.image_shape, device="cpu"),),
        "dynamic_shapes": ({0: torch.export.Dim("batch")},),
    }


@torch.no_grad()
def _check(exported: Program, program: Program, image_shape: tuple[int, int, int]) -> None:
    """Raise `RunError` if the two differ on random images."""
    generator = torch.Generator().manual_seed(0)
    for n in BATCH_SIZES:
        images = torch.rand(n, *image_shape, generator=generator, device="cpu")
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
    except OSError as error:  # of the machine, not of torch
        raise RunError(
            f"export: the network cannot be written as {format} ({reason(error)}); correct that, "
            "and export again"
        ) from error
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
