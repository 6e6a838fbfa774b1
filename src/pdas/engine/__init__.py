"""What is done: Algorithm 1 (`step`, `search`), retraining, and the stages of an experiment.

`search` and `retrain` know networks, batches and losses only; `experiment` runs the stages of a
recipe on its `Task`, which is one of `classification` and `inpainting`.
"""
