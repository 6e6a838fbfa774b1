"""Recurrent layers whose widths are choices."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from pdas.nn.elastic.base import Elastic
from pdas.nn.widths import Width, repeated, widest
from pdas.support.errors import NetworkError
from pdas.support.refusals import refuse

_SETTINGS = ("mode", "num_layers", "bias", "batch_first", "dropout", "bidirectional", "proj_size")


class _Recurrent(Elastic):
    """Both kinds, which differ in their plain layer only."""

    gates: int

    def __init__(
        self,
        input_size: Width,
        hidden_size: Width,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
    ) -> None:
        super().__init__()
        whole: Any = self.kind(
            widest(input_size),
            widest(hidden_size),
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
        )
        for name in _SETTINGS:
            setattr(self, name, getattr(whole, name))
        self._flat_weight_refs: list[Any] = []
        self._all_weights = whole._all_weights
        self._flat_weights_names = whole._flat_weights_names
        self.set_sizes(input_size=input_size, hidden_size=hidden_size)
        rows = repeated(hidden_size, self.gates)
        above = repeated(hidden_size, 2) if bidirectional else hidden_size
        for name, weight in whole.named_parameters():
            columns = input_size if "weight_ih_l0" in name else above
            columns = hidden_size if "weight_hh" in name else columns
            widths = (rows, columns) if weight.dim() == 2 else (rows,)
            self.add_weight(name, weight, *widths)

    def _init_flat_weights(self) -> None:
        """Nothing: they are not kept."""

    def _update_flat_weights(self) -> None:
        """Nothing, either."""

    def flatten_parameters(self) -> None:
        """Nothing: the weights are put together for each call."""

    @staticmethod
    def arguments(layer: Any) -> dict[str, Any]:
        if layer.proj_size:
            refuse(
                NetworkError,
                layer.mode,
                found=f"proj_size = {layer.proj_size}",
                expected="0",
                remedy="leave the layer as it is",
            )
        names = ("input_size", "hidden_size", *_SETTINGS[1:-1])
        return {name: getattr(layer, name) for name in names}


def _flat_weights(layer: Any) -> list[Tensor]:
    """What PyTorch's forward passes on; made anew for each call."""
    return [getattr(layer, name) for name in layer._flat_weights_names]


class LSTM(_Recurrent, nn.LSTM):
    """`nn.LSTM` whose features may be choices.

    Args:
        input_size, hidden_size: a number, a `Value`, or a sum or a multiple of such.
        num_layers, bias, batch_first, dropout, bidirectional: as of `nn.LSTM`.

    Raises:
        NetworkError: something is no width.

    Example:
        width = pdas.nn.Value("width", [64, 128])
        self.lstm, self.last = pdas.nn.LSTM(8, width), pdas.nn.Linear(width, 2)
    """

    kind = nn.LSTM
    gates = 4
    _flat_weights = property(_flat_weights)


class GRU(_Recurrent, nn.GRU):
    """`nn.GRU` whose features may be choices.

    Args:
        input_size, hidden_size: a number, a `Value`, or a sum or a multiple of such.
        num_layers, bias, batch_first, dropout, bidirectional: as of `nn.GRU`.

    Raises:
        NetworkError: something is no width.

    Example:
        width = pdas.nn.Value("width", [64, 128])
        self.gru, self.last = pdas.nn.GRU(8, width), pdas.nn.Linear(width, 2)
    """

    kind = nn.GRU
    gates = 3
    _flat_weights = property(_flat_weights)
