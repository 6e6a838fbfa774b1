"""What a search by gradients on a mixture cannot have, refused before its first step."""

from __future__ import annotations

from pdas.methods.base import SearchContext
from pdas.methods.settings import SearchSettings
from pdas.support.errors import SettingError
from pdas.support.refusals import refuse

# Without the scaler of 16 bits small gradients of the logits would be lost, and so would be small
# steps of weights of 16 bits; the difference of two gradients needs more digits than bf16 has.
FIRST, SECOND = ("32-true", "64-true", "bf16-mixed"), ("32-true", "64-true")


def check_finalists(settings: SearchSettings) -> None:
    """Check that no finalists are asked for.

    Args:
        settings: of the search.

    Raises:
        SettingError: there are some, while logits stand for one architecture.
    """
    if settings.finalists:
        refuse(
            SettingError,
            "search.finalists",
            found=f"{settings.finalists}, while the logits of a mixture stand for one architecture",
            expected="0",
            remedy="leave it out, or use another method",
        )


def check_context(context: SearchContext, *, second_order: bool) -> None:
    """Check the settings of the steps, the devices and their precision.

    Args:
        context: of the search.
        second_order: whether gradients are subtracted from each other.

    Raises:
        SettingError: parts of a batch, several devices, weights that are not trained, or a
            precision that loses the gradient.
    """
    settings = context.settings
    precision = str(context.fabric.strategy.precision.precision)
    precisions = SECOND if second_order else FIRST
    refused = {
        "search.accumulate": (settings.accumulate != 1, settings.accumulate, "1"),
        "search.train_weights": (context.weights is None, "false", "true"),
        "device.devices": (context.ranks.size > 1, context.ranks.size, "1"),
        "device.precision": (precision not in precisions, precision, " or ".join(precisions)),
    }
    for name, (is_wrong, found, expected) in refused.items():
        if is_wrong:
            refuse(
                SettingError,
                name,
                found=f"{found}, while a mixture of all candidates is searched",
                expected=expected,
                remedy="set it so, or use another method",
            )
