"""Image classification: its data, its losses, its evaluation, and the classifier that comes out."""

from pdas.tasks.classification.classifier import Classifier, Prediction, load_classifier
from pdas.tasks.classification.task import ClassificationTask

__all__ = ["ClassificationTask", "Classifier", "Prediction", "load_classifier"]
