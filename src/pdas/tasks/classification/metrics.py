"""How a classifier is judged."""

from pdas.support.metrics import Metric

METRICS = (
    Metric("test_error", "test error", "%", ".2f", "lower"),
    Metric("accuracy", "accuracy", format=".3f", better="higher", short="acc"),
    Metric("drop_path", "drop path"),
)
