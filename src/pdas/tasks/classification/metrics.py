"""How a classifier is judged."""

from pdas.support.metrics import Metric

TEST_ERROR = Metric("test_error", "test error", "%", ".2f", "lower")
TOP5_ERROR = Metric("top5_error", "top-5 error", "%", ".2f", "lower")
RECALL = Metric("recall", "recall", "%", ".1f", "higher")
METRICS = (
    TEST_ERROR,
    TOP5_ERROR,
    Metric("balanced_accuracy", "balanced accuracy", "%", ".2f", "higher"),
    Metric("accuracy", "accuracy", format=".3f", better="higher", short="acc"),
    Metric("drop_path", "drop path"),
)
