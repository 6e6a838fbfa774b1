"""A batch norm that can begin as the identity."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class PassingBatchNorm(nn.BatchNorm2d):
    """A batch norm that, if asked, takes gamma = sqrt(var + eps) and beta = mean of the next batch.

    So it passes this batch on as it is, and every batch in evaluation mode.

    Attributes:
        passes: whether the next batch in training mode sets gamma and beta.

    Example:
        norm.passes = True
        norm(x)  # x
    """

    passes = False

    def forward(self, input: Tensor) -> Tensor:
        if not (self.passes and self.training):
            return super().forward(input)
        self.passes = False
        with torch.no_grad():
            var, mean = torch.var_mean(input, (0, 2, 3), correction=0)
            self.weight.copy_((var + self.eps).sqrt())
            self.bias.copy_(mean)
        output = super().forward(input)
        if self.track_running_stats and self.running_mean is not None:
            self.running_mean.copy_(mean)
            assert self.running_var is not None
            self.running_var.copy_(var)
        return output
