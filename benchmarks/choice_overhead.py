"""What choices cost: a call, and a step of the search against the same passes written by hand.

    python benchmarks/choice_overhead.py [--threads N] [--pairs N]

The hand-written step has the weights of the supernet as plain tensors, slices them, and calls what
an architecture has by `if` and by index: forward and backward passes of two architectures, clipping
and SGD, then forward passes of the other batch. It is handed the architectures that the search
drew. Both sides start from the same weights and take turns; the losses are compared.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from torch import Tensor, nn

from pdas import PDAS
from pdas.engine.candidates import Candidates
from pdas.engine.step import SearchStep
from pdas.nn import BatchNorm2d, Choice, Conv2d, InputChoice, Linear, OptionalLayer, Repeat
from pdas.nn import Supernet, Value
from pdas.nn.choice.layers import ChosenSlice
from pdas.space import Architecture
