"""What is done with a finished run: it is exported."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from os import PathLike
from pathlib import Path
from types import MappingProxyType

from pdas.experiment.export import FORMATS
from pdas.experiment.export import export as export_network
from pdas.report.card import write_card
from pdas.support.refusals import check_one_of

EXPORTS: Mapping[str, Callable[..., Path]] = MappingProxyType(
    {**{name: partial(export_network, format=name) for name in FORMATS}, "card": write_card}
)


def export(
    run: str | PathLike[str], format: str = "state_dict", out: str | PathLike[str] | None = None
) -> Path:
    """Write the retrained network of a run as files for other programs, into a new directory.

    Args:
        run: a run directory, of which the first retraining is used, or one `retrain-<seed>/`.
        format: "state_dict", "torch" and "onnx" are the network, with `network.json` beside it;
            "card" is its model card, `README.md`. See `docs/export.md`.
        out: the directory; default `export-<format>` in that of the retraining.

    Returns:
        The directory.

    Raises:
        SettingError: the format is unknown, or an extra is missing.
        RunError: there is no finished retraining, its files are damaged, `out` is taken, or the
            exported network computes something else.

    Example:
        pdas.stages.export("runs/folder-0", "onnx", "folder-onnx")
    """
    check_one_of("--format", format, EXPORTS)
    return EXPORTS[format](run, out=None if out is None else Path(out))
